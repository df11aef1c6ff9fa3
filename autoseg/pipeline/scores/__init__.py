"""Scores of masks against references, and what names and marks them."""
