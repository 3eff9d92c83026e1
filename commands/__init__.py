"""The commands of ``tk``: options in, calls to the library, printed results; nothing else."""
