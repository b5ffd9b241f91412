"""The product: answers from a model folder, without PyTorch."""
