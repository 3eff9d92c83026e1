"""A table of texts: its rows, columns, labels and splits."""
