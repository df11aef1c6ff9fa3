"""Patches: the cases that they are drawn from, their places, their shape."""
