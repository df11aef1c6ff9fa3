"""Files of statistics: where scores are read from, and tables that people and programs read."""
