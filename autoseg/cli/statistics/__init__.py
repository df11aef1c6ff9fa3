"""Commands about statistics of scores."""
