"""The files of a store: the cases that were preprocessed with one set of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreFolder:
    """The folder `preprocessed/<hash>` of a workspace."""

    root: Path

    def image(self, case: str) -> Path:
        """Return the path of a case's image array."""
        return self.root / f"{case}.image.b2nd"

    def labels(self, case: str) -> Path:
        """Return the path of a case's label array, on the image's voxels."""
        return self.root / f"{case}.labels.b2nd"

    def reference(self, case: str) -> Path:
        """Return the path of a case's labels on the scan's own voxels, which is there where labels were resampled."""
        return self.root / f"{case}.reference.b2nd"

    def record(self, case: str) -> Path:
        """Return the path of a case's record, which is written last."""
        return self.root / f"{case}.json"
