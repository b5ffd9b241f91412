"""The validation report: what is promised of the likelihood ratios, and whether it is kept."""
