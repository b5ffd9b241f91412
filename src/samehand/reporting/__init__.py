"""Reports that can be filed: one self-contained HTML file, or the same as PDF."""
