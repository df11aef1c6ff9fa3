"""Choice of configurations and of the rule that makes masks, on out-of-fold probabilities."""
