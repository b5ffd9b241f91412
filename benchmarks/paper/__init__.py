"""Everything that docs/benchmark.md needs: a model in its layers beside what it must beat."""
