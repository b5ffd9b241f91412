"""Tensors to embeddings, in PyTorch; never imported when answering."""
