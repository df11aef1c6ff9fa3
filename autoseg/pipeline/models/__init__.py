"""Trained models: where they are read from, and as files of their own."""
