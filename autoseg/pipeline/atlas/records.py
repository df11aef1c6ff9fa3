"""The manifest of an import: which file of the source became which case, with hashes."""

from __future__ import annotations

from dataclasses import dataclass

from dataset_fingerprints.fingerprint import FileIdentity

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """A file of the source as it was when it was imported.

    Attributes:
        path: relative to the source.
    """

    path: str
    identity: FileIdentity


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedSession:
    """A session as a case.

    Attributes:
        testing: whether it is kept for a test, in imagesTs.
        linked: whether its scan is a link to the source, not a copy.
        label_sha256: of its label map; empty without masks.
        lesion_voxels: of the label map; None without masks.
        lesion_ml: the same as a volume.
        days_post_stroke: None where it is unknown.
        chronicity: `chronic`, `early` or empty.
        remarks: what was odd about its files, for people.
        table_remarks: what was odd about what tables say of it.
    """

    case: str
    subject: str
    session: str
    site: str
    testing: bool
    scan: SourceFile
    masks: tuple[SourceFile, ...]
    linked: bool
    label_sha256: str
    lesion_voxels: int | None
    lesion_ml: float | None
    days_post_stroke: float | None
    chronicity: str
    remarks: tuple[str, ...] = ()
    table_remarks: tuple[str, ...] = ()

    def files(self) -> tuple[SourceFile, ...]:
        """Return the files of the source that it was made of."""
        return (self.scan, *self.masks)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOutFile:
    """A file, a session or a row of a table of the source that is not in the data set."""

    path: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedAtlas:
    """An import: atlas.json.

    Attributes:
        release: R1.1, R1.2, R2.0, R2.1 or R3.0.
        release_doubt: what is doubtful about that name; empty where nothing is.
        space: of the scans: MNI or native.
        source: the absolute path of the folder.
        copied: whether copies of the scans were asked for.
        simulated: whether the source says that its scans are simulated.
        tables: that traits were read from.
        left_out: files of the source that belong to no case, rows of tables without a scan, sessions that failed.
    """

    release: str
    space: str
    source: str
    copied: bool
    simulated: bool
    sessions: tuple[ImportedSession, ...]
    tables: tuple[str, ...]
    left_out: tuple[LeftOutFile, ...]
    release_doubt: str = ""
    schema_version: int = SCHEMA_VERSION

    def training(self) -> tuple[ImportedSession, ...]:
        """Return the cases to train on."""
        return tuple(one for one in self.sessions if not one.testing)

    def held_out(self) -> tuple[ImportedSession, ...]:
        """Return the cases that are kept for a test."""
        return tuple(one for one in self.sessions if one.testing)
