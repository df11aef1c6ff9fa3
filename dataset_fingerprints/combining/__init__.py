"""Several data sets as one: their cases with a task each, shared channels, and labels with shared meanings."""
