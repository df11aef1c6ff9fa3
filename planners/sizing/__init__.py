"""Patch, batch, network and low resolution that fit memory and time."""
