"""Voxel-wise agreement of two masks, and their volumes."""
