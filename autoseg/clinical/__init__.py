"""Measures of lesions that stroke research reads: how much of a tract is hit, volumes, sides, overlap, recovery."""
