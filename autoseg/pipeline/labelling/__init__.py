"""The labelling loop: its start, its rounds, which scans are next, masks that are taken in, and its table."""
