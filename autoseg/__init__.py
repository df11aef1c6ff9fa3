"""Segmentation of biomedical images by a pipeline that configures itself.

    import autoseg

    workspace = autoseg.plan_and_preprocess("DATASET")
    scores = autoseg.train(workspace, fold=0, max_minutes=15)
    masks = autoseg.predict("SCANS", "MASKS", workspace)
    model = autoseg.load_model(workspace)

Importing this package loads nothing else: the functions are loaded when they are first named.
"""

from __future__ import annotations

# The module `typing` takes a while, in which a command could not be stopped with a message.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autoseg.pipeline.atlas_face import import_atlas
    from autoseg.pipeline.face import evaluate, explain, plan_and_preprocess, select, train
    from autoseg.pipeline.model_face import export, import_nnunet, load_model, predict

__all__ = [
    "evaluate",
    "explain",
    "export",
    "import_atlas",
    "import_nnunet",
    "load_model",
    "plan_and_preprocess",
    "predict",
    "select",
    "train",
]

_OF_MODELS = ("export", "import_nnunet", "load_model", "predict")
_OF_ATLAS = ("import_atlas",)


def __getattr__(name: str) -> Any:
    if name in __all__:
        from autoseg.pipeline import atlas_face, face, model_face
        from autoseg.pipeline.spoken import in_python

        module = model_face if name in _OF_MODELS else atlas_face if name in _OF_ATLAS else face
        return in_python(getattr(module, name))
    raise AttributeError(f"module 'autoseg' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted((*globals(), *__all__))
