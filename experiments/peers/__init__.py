"""Other pipelines, run beside autoseg on the same data and the same machine in one run."""
