"""The commands, one module for those of one topic."""
