"""What several tests build with: a toy encoder, tiny models in the published layouts, stores of given features."""

from pathlib import Path

ROOT = Path(__file__).parents[2]  # of the project
REAL = ROOT.parent / "shared" / "data"  # real data files, where they are at hand
