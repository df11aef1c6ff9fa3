"""ATLAS, the collection of stroke lesions on T1w scans, in the forms in which its releases lie on disks."""

from dataset_fingerprints.atlas.metadata import Traits
from dataset_fingerprints.atlas.releases import MANIFEST, LeftOut, Release, Session, find_release

__all__ = ["MANIFEST", "LeftOut", "Release", "Session", "Traits", "find_release"]
