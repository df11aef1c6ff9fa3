"""Features of regions of scans as tables, and what two kinds of masks have to do with them."""
