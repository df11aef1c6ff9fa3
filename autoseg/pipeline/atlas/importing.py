"""`import-atlas`: a release of ATLAS as an nnU-Net folder with a table of its cases; the source is only read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autoseg.hardware import count_cores
from autoseg.pipeline.atlas.folder import Folder
from autoseg.pipeline.atlas.records import ImportedAtlas, ImportedSession, LeftOutFile
from autoseg.pipeline.atlas.sessions import Importer
from autoseg.pipeline.outputs import refuse_no_place, refuse_raw, refuse_read_only, refuse_reserved
from autoseg.progress import Progress
from autoseg.workspace.locks import locked
from dataset_fingerprints.atlas import MANIFEST, Release, Session, find_release
from dataset_fingerprints.atlas.archives import is_archive
from dataset_fingerprints.atlas.releases import NO_SCAN
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.atomic import sweep, write_bytes
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.layouts.table_text import to_tsv
from dataset_fingerprints.names import counted, some_of

_SHOWN = 5
_REMARKS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOptions:
    """Options of importing.

    Attributes:
        copy: copy the scans instead of linking them.
        release: its name; empty to tell it by folders, tables and files.
    """

    copy: bool = False
    release: str = ""


def import_atlas(source: Path, out: Path, options: ImportOptions, progress: Progress) -> ImportedAtlas:
    """Import a release of ATLAS, and return what was imported.

    An import that was interrupted goes on; one that is finished takes over what is new in the source.

    Raises:
        DataError: the source holds no release, or the folder anything else than an import of it.
        PartlyDoneError: sessions could not be imported; the message lists them.
    """
    folder = Folder(root=out)
    for refuse in (refuse_no_place, refuse_read_only, refuse_reserved):
        refuse(out)
    release = find_release(source, options.release)
    folder.refuse_other_content(release.root)
    if not folder.manifest.is_file():
        refuse_raw(out, None)
    progress.say(describe_release(release))
    if release.doubt:
        progress.say(f"The release is not certain: {release.doubt}. Say which with --release (release= in Python).")
    with locked(folder.notes, "this import"):
        sweep(*folder.folders())
        folder.begin(release.root)
        sessions, failures = _run_all(release, folder, options, progress)
        imported = _finish(release, folder, options, (sessions, failures))
    folder.end()
    for line in describe_import(imported, [failure.case for failure in failures]):
        progress.say(line)
    if failures:
        raise PartlyDoneError(
            f"{release.root}: {counted(len(failures), 'session')} of {len(release.sessions)} could not be imported:\n"
            f"{list_failures(failures)}\nCorrect them, then give the same command again: what is done is kept.",
            result=imported,
        )
    return imported


def describe_release(release: Release) -> str:
    """Say what was found."""
    sites = len({session.site for session in release.sessions if session.site})
    return (
        f"ATLAS {release.name} ({release.space} space){', SIMULATED' if release.simulated else ''}: "
        f"{counted(len(release.sessions), 'session')} of "
        f"{counted(len({session.subject for session in release.sessions}), 'subject')}, {counted(sites, 'site')}."
    )


def describe_import(imported: ImportedAtlas, failed: Sequence[str] = ()) -> Iterable[str]:
    """Yield what to say of an import: the cases, what is odd, and what was left out but for sessions that failed."""
    merged = [one.case for one in imported.sessions if len(one.masks) > 1]
    training, held_out = imported.training(), imported.held_out()
    yield f"{counted(len(training), 'case')} to train on, {counted(len(held_out), 'case')} held out (imagesTs)."
    if merged:
        have = counted(len(merged), "case has", "cases have")
        yield f"{have} several lesion masks, merged into one: {some_of(merged, _SHOWN)}."
    unknown = sum(not one.chronicity for one in imported.sessions)
    yield (
        f"Chronicity is known of {len(imported.sessions) - unknown} of {counted(len(imported.sessions), 'case')}, the "
        f"site of {sum(bool(one.site) for one in imported.sessions)}."
    )
    yield from _describe_remarks(imported.sessions)
    packed = [one for one in imported.left_out if is_archive(Path(one.path))]
    if packed:
        yield f"NOT imported, for it is {packed[0].why}: {some_of([one.path for one in packed])}."
    left_out = [one for one in imported.left_out if one.path not in failed]
    if left_out:
        rows = sum(one.why == NO_SCAN for one in left_out)
        kinds = ((len(left_out) - rows, "file"), (rows, "row"))
        shown = some_of([f"{one.path} ({one.why})" for one in left_out], _SHOWN, "; ")
        yield f"Left out {' and '.join(counted(*kind) for kind in kinds if kind[0])}, listed in left_out.tsv: {shown}."


def _describe_remarks(sessions: Sequence[ImportedSession]) -> Iterable[str]:
    """Yield what is odd, each with its cases; if it is much, the first of it."""
    kinds: dict[str, list[str]] = {}
    for one in sessions:
        for remark in (*one.remarks, *one.table_remarks):
            kinds.setdefault(remark, []).append(one.case)
    for remark, cases in list(kinds.items())[:_REMARKS]:
        yield f"{some_of(cases, _SHOWN)}: {remark}."
    if len(kinds) > _REMARKS:
        yield f"{counted(len(kinds) - _REMARKS, 'more remark')} of this kind in {MANIFEST}."


def _run_all(
    release: Release, folder: Folder, options: ImportOptions, progress: Progress
) -> tuple[list[ImportedSession], list[Failure]]:
    """Import all sessions that are not imported yet."""
    importer = Importer(source=release.root, folder=folder, copy=options.copy)
    done = folder.find_done()
    _refuse_gone(folder, done, release)
    kept: list[str] = []

    def run(session: Session) -> ImportedSession | Failure:
        known = done.get(session.name)
        if known is not None and importer.is_done(session, known):
            kept.append(session.name)
            return replace(known, **_traits_of(session))
        made = attempt(session.name, "cannot be imported", lambda: importer.run(session))
        if isinstance(made, ImportedSession):
            folder.add(made)
        else:
            folder.remove(session.name)
        return made

    results = []
    with progress.task("Importing", len(release.sessions)) as task, ThreadPoolExecutor(count_cores()) as pool:
        for result in pool.map(run, release.sessions):
            results.append(result)
            task.advance()
    if kept:
        progress.say(f"{len(kept)} of {counted(len(results), 'session')} imported before, and kept as before.")
    failures = [one for one in results if isinstance(one, Failure)]
    return [one for one in results if isinstance(one, ImportedSession)], failures


def _traits_of(session: Session) -> dict[str, Any]:
    return {
        "site": session.site,
        "days_post_stroke": session.traits.days_post_stroke,
        "chronicity": session.traits.chronicity,
        "table_remarks": session.traits.remarks,
    }


def _refuse_gone(folder: Folder, done: dict[str, ImportedSession], release: Release) -> None:
    """Make sure that no case of an earlier import has lost its session."""
    gone = sorted(done.keys() - {session.name for session in release.sessions})
    if gone:
        raise DataError(
            f"{folder.root}: {counted(len(gone), 'case')} of the earlier import, {some_of(gone)}, "
            f"{'is' if len(gone) == 1 else 'are'} not in {release.root} any more. Import into a new folder."
        )


def _finish(
    release: Release, folder: Folder, options: ImportOptions, results: tuple[list[ImportedSession], list[Failure]]
) -> ImportedAtlas:
    """Write the description, the tables and the manifest."""
    sessions, failures = results
    left_out = [LeftOutFile(path=one.path, why=one.why) for one in release.left_out]
    left_out += [LeftOutFile(path=failure.case, why=failure.message) for failure in failures]
    imported = ImportedAtlas(
        release=release.name,
        release_doubt=release.doubt,
        space=release.space,
        source=str(release.root),
        copied=options.copy,
        simulated=release.simulated,
        sessions=tuple(sessions),
        tables=tuple(map(str, release.tables)),
        left_out=tuple(left_out),
    )
    write_json(folder.description, _describe(imported))
    write_bytes(folder.table, _make_table(imported, release.sessions).encode())
    write_bytes(folder.left_out, to_tsv([["path", "why"], *([one.path, one.why] for one in left_out)]).encode())
    write_json(folder.manifest, imported)
    return imported


def _describe(imported: ImportedAtlas) -> dict[str, Any]:
    """Return nnU-Net's description of the data set, with the release and the mark of simulated scans."""
    described: dict[str, Any] = {
        "name": f"ATLAS {imported.release}",
        "release": imported.release,
        "space": imported.space,
        "channel_names": {"0": "T1w"},
        "labels": {"background": 0, "lesion": 1},
        "numTraining": len(imported.training()),
        "file_ending": ".nii.gz",
    }
    return {**described, "simulated": True} if imported.simulated else described


def _make_table(imported: ImportedAtlas, sessions: Sequence[Session]) -> str:
    """Return the table of the cases: what this program reads, then whatever the release's own tables say."""
    known = ("case", "subject", "session", "site", "set", "days_post_stroke", "chronicity", "lesion_ml")
    others = {session.name: session.traits.others for session in sessions}
    more = [name for name in dict.fromkeys(name for one in others.values() for name in one) if name not in known]
    rows = [
        [
            *(one.case, one.subject, one.session, one.site, "test" if one.testing else "train"),
            *(_show_number(one.days_post_stroke), one.chronicity, _show_number(one.lesion_ml)),
            *(others[one.case].get(name, "") for name in more),
        ]
        for one in imported.sessions
    ]
    return to_tsv([[*known, *more], *rows])


def _show_number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
