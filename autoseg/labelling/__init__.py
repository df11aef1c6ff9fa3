"""Labelling by people and networks in turn: the loop's state, which scans are next, and what people corrected."""
