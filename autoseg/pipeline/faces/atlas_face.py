"""The public functions about ATLAS, as `import autoseg` offers them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.pipeline.faces.arguments import FLAG, PATH, Kind, check_argument
from autoseg.pipeline.faces.located import Location
from autoseg.progress import Progress, SilentProgress
from dataset_fingerprints.atlas.naming import RELEASES

if TYPE_CHECKING:
    from autoseg.pipeline.atlas import ImportedAtlas

__all__ = ["import_atlas"]

RELEASE = Kind(lambda value: value in ("", *RELEASES), f"one of {', '.join(RELEASES)}, or nothing")


def import_atlas(
    source: Location, out: Location, *, copy: bool = False, release: str = "", progress: Progress | None = None
) -> ImportedAtlas:
    """Import a release of ATLAS (R1.1, R1.2, R2.0, R2.1 or R3.0) as a data set, and return what was imported.

    All lesion masks of a session are merged into one label map. The scans are linked, or copied where links cannot be
    made; the source is only read. Called again, an import goes on, or takes over what is new in the source.

    Args:
        source: the folder of the release, unpacked; or one in it, or above it.
        out: the folder of the data set, new or empty: imagesTr, labelsTr, imagesTs with dataset.json, cases.tsv
            (subject, session, site, days post stroke, chronicity), atlas.json (a manifest with hashes), left_out.tsv.
        copy: copy the scans instead of linking them.
        release: which it is, R3.0 for example; empty to tell it by the names of folders, tables and scans.
        progress: receiver of progress reports; None for none.

    Raises:
        AutosegError: the source holds no release, or `out` holds something else.
        PartlyDoneError: sessions could not be imported; the message lists them, `result` is what was imported.
    """
    check_argument("source", source, PATH)
    check_argument("out", out, PATH)
    check_argument("copy", copy, FLAG)
    check_argument("release", release, RELEASE)
    from autoseg.pipeline.atlas import ImportOptions
    from autoseg.pipeline.atlas import import_atlas as run

    options = ImportOptions(copy=copy, release=release)
    return run(Path(source).absolute(), Path(out).absolute(), options, progress or SilentProgress())
