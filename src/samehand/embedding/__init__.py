"""Embedding collections that outgrow a folder and a machine: `samehand embed`."""
