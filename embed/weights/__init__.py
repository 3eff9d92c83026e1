"""Published formats of weights -> the arrays that a network in ``embed.networks`` takes."""
