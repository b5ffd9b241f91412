"""Bytes to pixels: decoding any image file, and the views of it that a model looks at."""
