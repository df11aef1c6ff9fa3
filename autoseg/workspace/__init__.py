"""The lowest room: the only one that spells names of files and folders below a workspace."""
