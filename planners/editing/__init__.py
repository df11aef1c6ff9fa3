"""Changing, checking, shrinking and explaining a plan that exists."""
