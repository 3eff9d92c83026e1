"""The forms in which people keep tables of texts, each read as batches of rows."""
