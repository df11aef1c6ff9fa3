"""Lesions of two masks: found, missed, false, and how well they agree one by one."""
