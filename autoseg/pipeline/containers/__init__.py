"""A folder that an image with a trained model is built from, for challenges and as a BIDS app."""
