"""The files of a store: the cases that were preprocessed with one set of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.names import check_case_name


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreFolder:
    """The folder `preprocessed/<hash>` of a workspace."""

    root: Path

    def image(self, case: str) -> Path:
        """Return the path of a case's image array."""
        return self.root / f"{_checked(case)}.image.b2nd"

    def labels(self, case: str) -> Path:
        """Return the path of a case's label array, on the image's voxels."""
        return self.root / f"{_checked(case)}.labels.b2nd"

    def reference(self, case: str) -> Path:
        """Return the path of a case's labels on the scan's own voxels, which is there where labels were resampled."""
        return self.root / f"{_checked(case)}.reference.b2nd"

    def record(self, case: str) -> Path:
        """Return the path of a case's record, which is written last."""
        return self.root / f"{_checked(case)}.json"

    def files(self, case: str) -> tuple[Path, ...]:
        """Return the paths of all files that a case may have, its record last."""
        return (self.image(case), self.labels(case), self.reference(case), self.record(case))


def _checked(case: str) -> str:
    """Return a case's name, which stays in its folder."""
    check_case_name(case)
    return case
