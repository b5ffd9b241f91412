"""How well samehand tells hands apart and how fast it is: what the documents' figures come from."""
