"""Which mask belongs to which reference, by names and folders."""
