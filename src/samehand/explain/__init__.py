"""What a verdict rests on, and every drawing of it."""
