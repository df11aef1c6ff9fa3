"""What commands found, as tables and lines."""
