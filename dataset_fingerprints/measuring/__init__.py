"""One pass over the cases: read, checked, measured, summarised."""
