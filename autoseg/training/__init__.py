"""Training one fold of one configuration."""
