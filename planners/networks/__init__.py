"""A U-Net's skeleton and what networks cost, without torch."""
