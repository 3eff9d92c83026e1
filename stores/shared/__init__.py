"""Used by all packages: errors, files, digests, the TensorFlow loader, the style of plots."""
