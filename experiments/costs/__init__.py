"""Costs of training and reading: memory, seconds, and whether they grow."""
