"""``tk run``: encoders and heads tried on one table. It drives both halves of the project, and prints nothing."""
