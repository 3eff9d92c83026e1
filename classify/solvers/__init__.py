"""Optimisers and products over blocks of rows, for many fits at once."""
