"""A run in words and pictures: terminal, HTML page, figures, TensorBoard."""
