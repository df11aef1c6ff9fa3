"""Plans of nnU-Net for six data sets: table of facts for tests; axes in its order, z, y, x.

The figures follow from nnU-Net's published rules; nnunetv2 2.8.1, when it is run, gives the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import Triple, TripleFloat
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case

MEMORY_GB = {"nnunet": 8.0, "nnunet-resenc-m": 8.0, "nnunet-resenc-l": 24.0, "nnunet-resenc-xl": 40.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """One data set.

    Attributes:
        volumes: per planner of `MEMORY_GB`, patch and batch of 3d_fullres.
        slices: patch and batch of the 2D configuration of `nnunet`.
        low_resolution: the planners that plan 3d_lowres and the cascade.
    """

    name: str
    shape: Triple
    spacing_mm: TripleFloat = (1.0, 1.0, 1.0)
    cases: int
    labels: int = 1
    volumes: tuple[tuple[Triple, int], ...]
    slices: tuple[tuple[int, int], int]
    low_resolution: tuple[str, ...] = ()

    def fingerprint(self) -> DatasetFingerprint:
        """Build the data set's fingerprint, in canonical axes."""
        x, y, z = self.shape[::-1]
        size_x, size_y, size_z = self.spacing_mm[::-1]
        case = SyntheticCase(body_shape=(x, y, z), spacing_mm=(size_x, size_y, size_z))
        return make_fingerprint(repeat_case(self.cases, case), labels=self.labels, name=self.name)


PUBLISHED = (
    Published(
        name="ATLAS at 1 mm",
        shape=(189, 233, 197),
        cases=655,
        volumes=(((128, 128, 128), 2), ((128, 128, 128), 2), ((160, 224, 192), 2), ((192, 256, 224), 2)),
        slices=((256, 224), 57),
    ),
    Published(
        name="cropped brain at 1 mm",
        shape=(150, 190, 150),
        cases=655,
        volumes=(((128, 160, 112), 2), ((128, 160, 112), 2), ((160, 192, 160), 3), ((160, 192, 160), 6)),
        slices=((192, 160), 106),
    ),
    Published(
        name="hippocampus",
        shape=(36, 50, 35),
        cases=260,
        labels=2,
        volumes=(((40, 56, 40), 9), ((40, 56, 40), 58), ((40, 56, 40), 178), ((40, 56, 40), 183)),
        slices=((56, 40), 366),
    ),
    Published(
        name="ISLES at 2 mm",
        shape=(73, 112, 112),
        spacing_mm=(2.0, 2.0, 2.0),
        cases=250,
        volumes=(((80, 112, 112), 5), ((80, 112, 112), 5), ((80, 112, 112), 16), ((80, 112, 112), 27)),
        slices=((112, 112), 266),
    ),
    Published(
        name="ACDC",
        shape=(18, 237, 208),
        spacing_mm=(5.0, 1.56, 1.56),
        cases=200,
        volumes=(((20, 256, 224), 4), ((20, 256, 224), 3), ((20, 256, 224), 10), ((20, 256, 224), 17)),
        slices=((256, 224), 57),
    ),
    Published(
        name="CT",
        shape=(120, 512, 512),
        spacing_mm=(3.0, 0.8, 0.8),
        cases=100,
        volumes=(((48, 224, 192), 2), ((48, 192, 192), 2), ((64, 320, 256), 2), ((80, 320, 320), 2)),
        slices=((512, 512), 12),
        low_resolution=("nnunet", "nnunet-resenc-m"),
    ),
)
