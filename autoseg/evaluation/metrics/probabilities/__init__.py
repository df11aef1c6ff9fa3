"""Agreement of a map of probabilities with a reference, over all thresholds."""
