"""Which questions are asked: frozen test protocols and training batches."""
