"""`tune`: a search for better values of a plan in a given time, and the proof that they are better."""
