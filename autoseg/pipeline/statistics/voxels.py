"""Label maps of every two raters read once more, and compared voxel by voxel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from autoseg.evaluation import Pairing, Targets
from autoseg.evaluation.analysis.readers import Pair, ReaderAgreement
from autoseg.evaluation.analysis.voxels import VoxelAgreement, count_answers, rate_answers, summarise_voxels
from autoseg.evaluation.files import complete_targets, round_labels
from autoseg.evaluation.pairing import FilePair
from dataset_fingerprints.reading.images import read_label_map


def measure_voxels(
    pairings: Mapping[Pair, Pairing],
    agreement: ReaderAgreement,
    targets: Targets,
    subjects: Sequence[str] | None,
    workers: int,
) -> tuple[VoxelAgreement, ...]:
    """Return for every pair how far label maps agree over all labels together; nothing where regions alone are scored.

    Args:
        pairings: files of every two raters.
        agreement: of the same, whose cases and labels are looked at.
        targets: that were scored; voxels that a data set of references ignores count in nothing, as in scores.
        subjects: of the cases.
        workers: threads that read.
    """
    labels = [label for label in agreement.names if isinstance(label, int)]
    if not labels:
        return ()

    def rate(pair: FilePair, ignored: int | None) -> Mapping[str, float]:
        paths = (pair.reference, pair.prediction)
        first, second = (round_labels(path, read_label_map(path).voxels[0]) for path in paths)
        return rate_answers(count_answers(first, second, labels, ignored))

    found: list[VoxelAgreement] = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for (prediction, reference), pairing in pairings.items():
            files = {pair.case: pair for pair in pairing.pairs}
            scheme = pairing.scheme
            ignored = targets.ignored if scheme is None else complete_targets(targets, scheme).ignored
            rated = list(pool.map(partial(rate, ignored=ignored), [files[case] for case in agreement.cases]))
            found += summarise_voxels((reference, prediction), rated, subjects)
    return tuple(found)
