"""Every model on every data set: masks, scores, and what differs between models and between groups of cases."""
