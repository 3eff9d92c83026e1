"""What finished runs say together: comparisons, paired tests, ensembles, errors, speed."""
