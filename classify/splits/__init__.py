"""Which rows train and which test: k-fold, hold-out, given splits, nested folds."""
