"""Estimates of hours and gigabytes: of a plan on the machine at hand, and of the same data set on others."""
