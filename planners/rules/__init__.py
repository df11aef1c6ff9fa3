"""What is decided from the fingerprint, one module per kind of decision."""
