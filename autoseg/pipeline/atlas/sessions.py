"""One session becomes a case: its scan linked or copied, its masks merged into one label map."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoseg.pipeline.atlas.folder import Folder
from autoseg.pipeline.atlas.records import ImportedSession, SourceFile
from dataset_fingerprints.atlas import Session
from dataset_fingerprints.atlas.file_names import find_missing_masks
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import replacing
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.measuring.identity import identify
from dataset_fingerprints.names import some_of
from dataset_fingerprints.reading.alignment import same_place
from dataset_fingerprints.reading.images import read_grid, write_label_map
from dataset_fingerprints.reading.merging import merge_masks

_MM3_PER_ML = 1000.0
NO_LINKS = "links cannot be made there: the scan is copied"


@dataclass(frozen=True, kw_only=True, slots=True)
class Importer:
    """What all sessions of an import share.

    Attributes:
        source: the folder of the release.
        folder: the data set.
        copy: scans are copied, not linked.
    """

    source: Path
    folder: Folder
    copy: bool

    def is_done(self, session: Session, done: ImportedSession) -> bool:
        """Return whether an earlier import left the case as it would be made now."""
        scan = self.folder.scan(done.case, self.source / done.scan.path, testing=done.testing)
        label = self.folder.label(done.case, testing=done.testing)
        made_of = {file.path for file in done.files()}
        there = {self._relative(path): path for path in (*session.scans, *session.masks)}
        return (
            made_of <= there.keys()
            and done.testing == is_testing(session)
            and (done.linked == scan.is_symlink() and scan.exists())
            and (done.linked != self.copy or NO_LINKS in done.remarks)
            and label.is_file() == bool(done.label_sha256)
            and all(self._is_unchanged(file) for file in done.files())
            and all(self._is_known_copy(path, done) for name, path in there.items() if name not in made_of)
        )

    def run(self, session: Session) -> ImportedSession:
        """Make a case.

        Raises:
            DataError: its files contradict each other, or cannot be read.
        """
        scan, copies = self._choose_scan(session.scans)
        masks, remarks = self._drop_copies(session.masks)
        missing = find_missing_masks(session.masks)
        remarks = [*copies, *remarks, *([missing] if missing else [])]
        testing = is_testing(session)
        if not masks and not session.testing:
            remarks.append("has no lesion mask: in imagesTs")
        grid = canonical_grid(read_grid(scan))
        self.folder.remove(session.name)
        voxels, digest, volume_ml = None, "", None
        if masks:
            merged, like, odd = merge_masks(masks)
            remarks += odd
            if like.grid().shape != grid.shape:
                raise DataError(
                    f"{masks[0]}: has {_show(like.grid().shape)} voxels, but the scan has {_show(grid.shape)}. "
                    "Resample one onto the other."
                )
            if not same_place(grid, like.grid()):
                remarks.append("mask and scan lie in different places by their headers; see `autoseg check`")
            label = self.folder.label(session.name, testing=testing)
            write_label_map(label, merged.astype(np.uint8), like.source_grid, like.header)
            digest = hashlib.sha256(label.read_bytes()).hexdigest()
            voxels = int(merged.sum())
            volume_ml = round(voxels * float(np.prod(grid.spacing_mm())) / _MM3_PER_ML, 6)
            remarks += ["has an empty lesion mask"] if voxels == 0 else []
        linked = self._bring(scan, self.folder.scan(session.name, scan, testing=testing))
        if not linked and not self.copy:
            remarks.append(NO_LINKS)
        return ImportedSession(
            case=session.name,
            subject=session.subject,
            session=session.session,
            site=session.site,
            testing=testing,
            scan=self._describe(scan),
            masks=tuple(map(self._describe, masks)),
            linked=linked,
            label_sha256=digest,
            lesion_voxels=voxels,
            lesion_ml=volume_ml,
            days_post_stroke=session.traits.days_post_stroke,
            chronicity=session.traits.chronicity,
            remarks=tuple(remarks),
            table_remarks=session.traits.remarks,
        )

    def _choose_scan(self, scans: Sequence[Path]) -> tuple[Path, list[str]]:
        """Return the scan, of copies the first, and what to say of the others.

        Raises:
            DataError: they differ.
        """
        if len({identify(scan).sha256 for scan in scans} if len(scans) > 1 else scans) > 1:
            shown = some_of([self._relative(scan) for scan in scans], 4, " and ")
            raise DataError(f"{self.source}: several scans of one session differ: {shown}. Move all but one away.")
        return scans[0], [f"{self._relative(one)} is a copy of {self._relative(scans[0])}" for one in scans[1:]]

    def _drop_copies(self, masks: Sequence[Path]) -> tuple[list[Path], list[str]]:
        """Return the masks without files that are copies of others, and what to say of these.

        Raises:
            DataError: two masks of one name differ.
        """
        if len(masks) < 2:
            return list(masks), []
        kept: dict[str, Path] = {}
        names: dict[str, Path] = {}
        remarks = []
        for mask in masks:
            digest = identify(mask).sha256
            if digest in kept:
                remarks.append(f"{self._relative(mask)} is a copy of {self._relative(kept[digest])}")
                continue
            if mask.name in names:
                raise DataError(
                    f"{self.source}: two masks of one name differ: {self._relative(names[mask.name])} and "
                    f"{self._relative(mask)}. Move one away."
                )
            kept[digest] = names[mask.name] = mask
        return list(kept.values()), remarks

    def _bring(self, scan: Path, target: Path) -> bool:
        """Link or copy a scan, and return whether it is a link."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if not self.copy:
            try:
                target.unlink(missing_ok=True)
                target.symlink_to(scan)
            except OSError:
                pass
            else:
                return True
        target.unlink(missing_ok=True)
        with replacing(target) as temporary:
            shutil.copyfile(scan, temporary)
        return False

    def _describe(self, path: Path) -> SourceFile:
        return SourceFile(path=self._relative(path), identity=identify(path))

    def _is_unchanged(self, file: SourceFile) -> bool:
        try:
            status = (self.source / file.path).stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (file.identity.size_bytes, file.identity.mtime_ns)

    def _is_known_copy(self, path: Path, done: ImportedSession) -> bool:
        """Return whether a file was found to be a copy of one that the case was made of, and still is."""
        if not any(remark.startswith(f"{self._relative(path)} is a copy of ") for remark in done.remarks):
            return False
        try:
            return identify(path).sha256 in {file.identity.sha256 for file in done.files()}
        except (OSError, DataError):
            return False

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.source).as_posix()


def is_testing(session: Session) -> bool:
    """Return whether a session is kept for a test: those of a folder of tests, and those without a mask."""
    return session.testing or not session.masks


def _show(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
