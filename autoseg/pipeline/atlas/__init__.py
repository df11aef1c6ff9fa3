"""`import-atlas`: a release of ATLAS as a data set that every command takes."""

from autoseg.pipeline.atlas.importing import ImportOptions, import_atlas
from autoseg.pipeline.atlas.records import ImportedAtlas, ImportedSession

__all__ = ["ImportOptions", "ImportedAtlas", "ImportedSession", "import_atlas"]
