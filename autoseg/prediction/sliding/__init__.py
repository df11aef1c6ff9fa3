"""A network sliding over a preprocessed scan: tiles, flips, and the mean of their logits, layer by layer."""
