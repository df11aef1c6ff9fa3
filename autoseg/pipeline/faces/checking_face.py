"""The public function that checks data before anything is made of it, as `import autoseg` offers it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.pipeline.faces.arguments import PATH, as_several, check_argument, check_arguments
from autoseg.pipeline.faces.located import Location
from autoseg.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from autoseg.pipeline.plans.inspecting import CheckReport


def check(
    dataset: Location,
    *,
    labels: Location | None = None,
    channels: Sequence[str] = (),
    mask: str = "",
    progress: Progress | None = None,
) -> CheckReport:
    """Read every file of a raw data set, and return everything that is odd; nothing is written.

    Args:
        dataset: as for `plan_and_preprocess`.
        labels: the folder of the label maps, where `dataset` is the folder of the scans.
        channels: of a tree or a CSV, the images to take.
        mask: of a tree with several kinds of label maps, a part of the names of those that are meant.
        progress: receiver of progress reports; None for none.

    Returns:
        A report whose `findings` have a kind, a case, a message and a grade (`error` for what has to be put right
        before planning), and whose `overview` says what the cases are like.

    Raises:
        DataError: it is not a data set.
    """
    check_arguments(locals())
    if labels is not None:
        check_argument("labels", labels, PATH)
    from autoseg.pipeline.plans.inspecting import check_dataset, find_dataset
    from dataset_fingerprints.layouts import Selection

    listener = progress or SilentProgress()
    selection = Selection(channels=as_several(channels), mask=mask)
    label_maps = None if labels is None else Path(labels).absolute()
    return check_dataset(find_dataset(Path(dataset).absolute(), label_maps, listener, selection), listener)
