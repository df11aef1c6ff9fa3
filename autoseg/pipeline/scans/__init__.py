"""New scans, from their files to their masks."""
