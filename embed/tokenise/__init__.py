"""How texts become the words that published vectors were made for: one family of vectors a file."""
