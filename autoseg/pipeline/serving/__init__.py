"""A trained model as a server: one scan after the other from a folder of inputs into a folder of outputs."""
