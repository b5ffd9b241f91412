"""Which paintings exist, who made them, and which of them may be used for what."""
