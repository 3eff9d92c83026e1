"""How often does the model that is kept reach its goal? Real training, many tables: the table in docs/guide/scores.md.

    python -m tools.simulate_goals [--tables 100] [--seed 1]

The head ``logistic`` as it is by default, on made-up tables as in ``tools.simulated_tables``, with 50 columns. Its
threshold is chosen on inner folds for a goal about one class; the true precision or recall of that class is measured on
6,000 fresh rows or more. ``reached`` is the share of the tables whose threshold was said to reach the goal and did;
``promised`` the share in which it was said to.
"""

from __future__ import annotations

import argparse

import numpy as np

from classify import heads
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads.base import FitTask
from tools.simulated_tables import Drawn, Setting, draw

TABLES = [
    (Setting(rows, shares, 50), goal)
    for rows in (300, 1000, 3000)
    for shares in ((0.8, 0.2), (0.5, 0.5), (0.4, 0.3, 0.3))
    for goal in ("precision>=0.8", "recall>=0.9")
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("| tables | goal | promised | reached | mean true score |\n| --- | --- | ---: | ---: | ---: |")
    for setting, goal in TABLES:
        found = [reached(setting, goal, np.random.default_rng([given.seed, i])) for i in range(given.tables)]
        scores = np.array([score for score in found if score is not None])
        cells = [str(setting), f"`{goal}`", f"{len(scores) / len(found):.0%}", "-", "-"]
        if len(scores):
            cells[3:] = [f"{np.mean(scores >= float(goal.split('>=')[1])):.0%}", f"{scores.mean():.3f}"]
        print("| " + " | ".join(cells) + " |", flush=True)


def reached(setting: Setting, goal: str, rng: np.random.Generator) -> float | None:
    """The true score of the kept model; None where it was said that no threshold reaches the goal."""
    drawn: Drawn = draw(setting, rng, None)
    n_classes, positive = len(setting.shares), len(setting.shares) - 1
    head = heads.load("logistic")
    options = FitOptions(tune=head.grid, threshold=goal)
    task = FitTask(np.arange(len(drawn.y)), 0)
    (model,) = fit(head, drawn.x, drawn.y, [task], n_classes, options, positive=positive)
    if model.choice.missed:
        return None
    taken = model.predict(drawn.fresh_x)[1] == positive
    hits = drawn.weight[taken & (drawn.fresh_y == positive)].sum()
    of = drawn.weight[taken if goal.startswith("precision") else drawn.fresh_y == positive].sum()
    return float(hits / of) if of else 1.0


if __name__ == "__main__":
    main()
