"""Typed JSON files, and writing whole files or nothing."""
