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

    from autoseg.pipeline.faces.atlas_face import import_atlas
    from autoseg.pipeline.faces.checking_face import check
    from autoseg.pipeline.faces.clinical_face import baselines, lesion_load, lesion_map, lesion_table, recovery
    from autoseg.pipeline.faces.combine_face import combine
    from autoseg.pipeline.faces.face import evaluate, explain, plan_and_preprocess, select, train
    from autoseg.pipeline.faces.label_face import (
        label_accept,
        label_next,
        label_start,
        label_status,
        label_table,
        label_train,
    )
    from autoseg.pipeline.faces.lesion_face import lesion_classes
    from autoseg.pipeline.faces.model_face import export, import_nnunet, load_model, predict
    from autoseg.pipeline.faces.radiomics_face import compare_radiomics, measure_radiomics
    from autoseg.pipeline.faces.report_face import report
    from autoseg.pipeline.faces.statistics_face import agreement, compare, label_shares
    from autoseg.pipeline.faces.tuning_face import tune
    from autoseg.pipeline.faces.weak_labels_face import weak_labels

__all__ = [
    "agreement",
    "baselines",
    "check",
    "combine",
    "compare",
    "compare_radiomics",
    "evaluate",
    "explain",
    "export",
    "import_atlas",
    "import_nnunet",
    "label_accept",
    "label_next",
    "label_shares",
    "label_start",
    "label_status",
    "label_table",
    "label_train",
    "lesion_classes",
    "lesion_load",
    "lesion_map",
    "lesion_table",
    "load_model",
    "measure_radiomics",
    "plan_and_preprocess",
    "predict",
    "recovery",
    "report",
    "select",
    "train",
    "tune",
    "weak_labels",
]

# Modules of the functions that are not in `face`.
_MODULES = {
    "agreement": "statistics_face",
    "baselines": "clinical_face",
    "check": "checking_face",
    "combine": "combine_face",
    "compare": "statistics_face",
    "compare_radiomics": "radiomics_face",
    "export": "model_face",
    "import_atlas": "atlas_face",
    "import_nnunet": "model_face",
    "label_accept": "label_face",
    "label_next": "label_face",
    "label_shares": "statistics_face",
    "label_start": "label_face",
    "label_status": "label_face",
    "label_table": "label_face",
    "label_train": "label_face",
    "lesion_classes": "lesion_face",
    "lesion_load": "clinical_face",
    "lesion_map": "clinical_face",
    "lesion_table": "clinical_face",
    "load_model": "model_face",
    "measure_radiomics": "radiomics_face",
    "predict": "model_face",
    "recovery": "clinical_face",
    "report": "report_face",
    "tune": "tuning_face",
    "weak_labels": "weak_labels_face",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module

        from autoseg.pipeline.faces.spoken import in_python

        module = import_module(f"autoseg.pipeline.faces.{_MODULES.get(name, 'face')}")
        return in_python(getattr(module, name))
    raise AttributeError(f"module 'autoseg' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted((*globals(), *__all__))
