"""nnU-Net's post-processing, read from its JSON; its pickles are never opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoseg.models.nnunet.plans import pick, refuse_unknown
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import JsonValue, read_plain_json
from dataset_fingerprints.names import some_of
from planners.choices import Choice, choose
from planners.parts.postprocessing import LargestComponentOptions

_LARGEST = "remove_all_but_largest_component_from_segmentation"


@dataclass(frozen=True, kw_only=True, slots=True)
class TheirSteps:
    """The steps in a postprocessing.json."""

    postprocessing_fns: tuple[str, ...]
    postprocessing_kwargs: tuple[dict[str, JsonValue], ...]


def read_postprocessing(folder: Path, scheme: LabelScheme) -> tuple[tuple[Choice, ...], str]:
    """Return the steps that nnU-Net chose for a model, and what to say of them; nothing where it chose none.

    Args:
        folder: of the trained configuration; its cross-validation's results may lie in it.
        scheme: the model's labels.

    Raises:
        DataError: there are several, or they do what is not supported; the message names it.
    """
    places = (folder, *sorted(folder.glob("crossval_results_folds_*")))
    files = [place / "postprocessing.json" for place in places if (place / "postprocessing.json").is_file()]
    if len(files) > 1:
        raise DataError(
            f"{folder}: has several files of post-processing ({some_of([str(file) for file in files])}). Leave the one "
            "that belongs to the model."
        )
    if not files:
        pickled = any((place / "postprocessing.pkl").is_file() for place in places)
        return (), _UNREAD if pickled else ""
    path = files[0]
    plain = read_plain_json(path)
    steps = pick(plain if isinstance(plain, dict) else {}, TheirSteps, str(path))
    rows = zip(steps.postprocessing_fns, steps.postprocessing_kwargs, strict=False)
    choices = tuple(_read_step(name, options, scheme, str(path)) for name, options in rows)
    taken = f"Post-processing as in {path.name}: {len(choices)} of nnU-Net's steps." if choices else ""
    return choices, taken


_UNREAD = (
    "Its post-processing lies in a postprocessing.pkl alone, which could run a program and is not opened: masks are "
    "without it. nnU-Net writes a postprocessing.json beside it."
)


def _read_step(name: str, options: dict[str, JsonValue], scheme: LabelScheme, where: str) -> Choice:
    refuse_unknown(where, "a step", name, (_LARGEST,))
    of = options.get("labels_or_regions")
    listed = of if isinstance(of, list) else [of]
    values = tuple(value for value in listed if isinstance(value, int) and value in scheme.values())
    if not values or len(values) < len(listed):
        raise DataError(f"{where}: labels_or_regions is {of}. Expected some of the labels {list(scheme.values())}.")
    return choose("largest_component", LargestComponentOptions(values=values))
