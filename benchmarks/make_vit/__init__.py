"""`vit` from its data by one command: python -m benchmarks.make_vit."""
