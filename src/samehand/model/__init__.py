"""A model on disk and in use: its folder, its encoder, the paintings it reads, and its fitter."""
