"""Bytes per value of the number types that trainings use."""

from __future__ import annotations

FULL_BYTES, HALF_BYTES = 4, 2
MASK_BYTES, INDEX_BYTES = 1, 8
