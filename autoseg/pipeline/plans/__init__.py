"""Plans: reading a raw data set, planning for it, explaining what was planned."""
