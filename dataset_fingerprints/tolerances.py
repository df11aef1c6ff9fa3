"""Tolerances beyond which geometry is reported, fixed or refused; each number with its reason."""

from __future__ import annotations

# Two grids whose corners lie closer than this share of the smallest voxel edge are one grid: headers are rounded, and
# a tenth of a voxel is less than registration can measure. It holds for scan and label map, for two channels of a case,
# and for qform and sform.
REPORTED_SHIFT = 0.1

# A label map that lies further from its scan than one voxel edge labels other tissue.
REFUSED_SHIFT = 1.0

# Axes that are off right angles by so little are left as they are: float32 headers are, and SimpleITK takes them, too
# (it refuses a NIfTI from 0.01 degrees on).
RIGHT_ANGLE_DEGREES = 0.005

# Directions that went through text with three decimals are off by up to 0.06 degrees. Straightening two axes that are
# off by 0.1 degrees moves the corners of a scan of 256 x 256 x 256 by a sixth of a voxel edge.
STRAIGHTENED_DEGREES = 0.1

# Axes off by so much distort lengths by 4.7 % when they are taken for right angles, and volumes by 0.4 %, which is less
# than scans of several scanners differ. Beyond, the voxels have to be resampled onto an orthogonal grid first.
REFUSED_DEGREES = 5.0

# Voxel sizes beyond these are no scan's: the finest microscopes resolve a ten-thousandth of a mm, and a metre is the
# length of a body. They are wrong headers, mostly of a wrong unit.
SMALLEST_VOXEL_MM = 1e-4
LARGEST_VOXEL_MM = 1000.0

# A NIfTI in metres with voxels from this size on has numbers in mm and the wrong unit.
LARGEST_VOXEL_IN_METRES_MM = 100.0

# Axes whose unit vectors span less volume than this run in the same direction (0.06 degrees apart, or fewer).
PARALLEL_AXES = 1e-3

# The voxel sizes of a NIfTI and those of its affine are rounded differently by this share at most.
REPORTED_SIZE = 0.01

# A scan may be as long as a body, but is no wider than a scanner's opening (0.8 m at most) in the other directions.
LARGEST_WIDTH_MM = 1000.0

# A volume whose longest side is shorter than this is none of a person's, nor of an animal's head.
SMALLEST_LENGTH_MM = 5.0
