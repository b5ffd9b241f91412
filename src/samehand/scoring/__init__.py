"""Embeddings to calibrated evidence, in NumPy alone."""
