"""Image files of any format as canonical RAS+ arrays, and back."""
