"""The product in a browser: pages and a JSON API over `SameHand`, safe against hostile uploads."""
