"""Typed JSON files and their checksums, and writing whole files or nothing."""
