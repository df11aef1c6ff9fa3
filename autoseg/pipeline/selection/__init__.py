"""What predicts new scans best: chosen, kept, and told."""
