"""Lowest package of autoseg: the only one that spells names of files and folders below a workspace."""
