"""Checks of each case, and between the cases of a data set."""
