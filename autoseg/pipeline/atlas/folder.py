"""The folder of an imported release: where its files lie, what was done so far, and whether it may be written to."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoseg.pipeline.atlas.records import ImportedAtlas, ImportedSession
from dataset_fingerprints.atlas import MANIFEST
from dataset_fingerprints.errors import DataError, FileFormatError
from dataset_fingerprints.files.atomic import PARTIAL, write_bytes
from dataset_fingerprints.files.jsonfiles import parse_json, read_json, to_sealed_line
from dataset_fingerprints.files.opening import append_to
from dataset_fingerprints.files.places import is_within
from dataset_fingerprints.names import some_of
from dataset_fingerprints.reading.images import suffix_of

_NOTES = ".import"
_FIRST_LINE = "source: "


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """The folder, and the names of the files in it."""

    root: Path

    @property
    def manifest(self) -> Path:
        """Where the manifest lies; it is there when everything is."""
        return self.root / MANIFEST

    @property
    def notes(self) -> Path:
        """Where an import that is not finished keeps its notes, and its lock."""
        return self.root / _NOTES

    @property
    def description(self) -> Path:
        """Where nnU-Net's description lies."""
        return self.root / "dataset.json"

    @property
    def table(self) -> Path:
        """Where the table of the cases lies."""
        return self.root / "cases.tsv"

    @property
    def left_out(self) -> Path:
        """Where the list of what was left out lies."""
        return self.root / "left_out.tsv"

    def scan(self, case: str, source: Path, *, testing: bool) -> Path:
        """Return where a scan lies; it keeps its suffix."""
        return self.root / ("imagesTs" if testing else "imagesTr") / f"{case}_0000{suffix_of(source)}"

    def label(self, case: str, *, testing: bool) -> Path:
        """Return where a label map lies."""
        return self.root / ("labelsTs" if testing else "labelsTr") / f"{case}.nii.gz"

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that files are written to, as far as they exist."""
        names = ("", "imagesTr", "labelsTr", "imagesTs", "labelsTs")
        return tuple(folder for name in names if (folder := self.root / name).is_dir())

    def remove(self, case: str) -> None:
        """Delete the files of a case, which is made again, perhaps for the other side or in another format."""
        for name in ("imagesTr", "labelsTr", "imagesTs", "labelsTs"):
            for stem in (case, f"{case}_0000"):
                for suffix in (".nii", ".nii.gz"):
                    (self.root / name / f"{stem}{suffix}").unlink(missing_ok=True)

    def begin(self, source: Path) -> None:
        """Note the source, unless it is noted."""
        if not self._journal.is_file():
            write_bytes(self._journal, f"{_FIRST_LINE}{source}\n".encode())

    def add(self, session: ImportedSession) -> None:
        """Note that a session is done."""
        append_to(self._journal, to_sealed_line(session))

    def end(self) -> None:
        """Delete the notes."""
        shutil.rmtree(self.notes, ignore_errors=True)

    def find_done(self) -> dict[str, ImportedSession]:
        """Return the sessions that an earlier import noted, by case; a line that was not finished does not count."""
        done = {}
        with suppress(FileFormatError):
            done = {one.case: one for one in read_json(self.manifest, ImportedAtlas).sessions}
        for line in self._lines()[1:]:
            with suppress(FileFormatError):
                session = parse_json(line, ImportedSession, str(self._journal))
                done[session.case] = session
        return done

    def refuse_other_content(self, source: Path) -> None:
        """Make sure that the folder is new, empty, or holds an import of the same source.

        Raises:
            DataError: it is not.
        """
        if is_within(self.root, source) or is_within(source, self.root):
            raise DataError(f"{self.root}: lies in the source, or around it ({source}). Name a folder apart from it.")
        if not self.root.exists():
            return
        found = self._find_source()
        if found is not None and Path(found) != source:
            raise DataError(
                f"{self.root}: holds an import of {found}, not of {source}. Name another folder, or delete this one."
            )
        content = [path.name for path in sorted(self.root.iterdir()) if not path.name.startswith((PARTIAL, _NOTES))]
        if found is None and content:
            raise DataError(
                f"{self.root}: is not empty ({some_of(content)}) and holds no import of ATLAS. Name a folder that is "
                "new or empty with -o."
            )

    def _find_source(self) -> str | None:
        """Return the source of an import, finished or not; None without one."""
        if self.manifest.is_file():
            return read_json(self.manifest, ImportedAtlas).source
        first = (self._lines() or [b""])[0].decode(errors="replace")
        return first.removeprefix(_FIRST_LINE).strip() if first.startswith(_FIRST_LINE) else None

    def _lines(self) -> list[bytes]:
        return self._journal.read_bytes().splitlines() if self._journal.is_file() else []

    @property
    def _journal(self) -> Path:
        return self.notes / "sessions.jsonl"
