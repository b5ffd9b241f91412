"""Error rates on frozen protocols, with intervals over artists."""
