"""Training folds: what is trained, where, on which cases, and how it is judged."""
