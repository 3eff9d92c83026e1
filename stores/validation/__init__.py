"""Refusing what is no store, and finding what is damaged."""
