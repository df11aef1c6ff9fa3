"""What can be wrong with a case, and between the cases of a data set."""
