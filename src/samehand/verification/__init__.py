"""The product: `SameHand` and one function for each question."""
