"""What training and reading cost: memory, seconds, and whether they grow."""
