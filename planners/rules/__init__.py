"""Rules that decide from the fingerprint, one module per kind of decision."""
