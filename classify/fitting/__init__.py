"""A head fitted on training rows: options, sampling, calibration, threshold."""
