"""Truth and probabilities in, numbers out: metrics, areas, intervals, and the predictions they are made of."""
