"""Distances between the surfaces of two masks."""
