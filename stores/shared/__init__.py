"""What all packages use: errors, files, digests, the TensorFlow loader, the style of plots."""
