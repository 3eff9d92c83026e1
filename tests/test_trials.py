"""The trials of ``tk run``: what they would take, on which rows they are probed, and which is the best."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.toy import toy_recipe, write_csv

import classify.fitting.training as training_module
from classify import heads
from commands.trials.budget import Budget, parse_budget
from commands.trials.candidates import candidates
from commands.trials.first_training import first_training
from commands.trials.frontier import choice, frontier
from commands.trials.probe import SAMPLE, TableSample, probe, sample_table
from embed import read_table
from stores import InputError


def test_times():
    """Hours, minutes and seconds, together and with fractions; nothing else."""
    assert [parse_budget(text) for text in ("90", "90s", "10m", "1h30m", "0.5m")] == [90, 90, 600, 5400, 30]
    for text in ("", "soon", "10 m", "-5", "0", "m10"):
        with pytest.raises(InputError, match="give a time such as 10m"):
            parse_budget(text)


def test_budget_learns_what_a_head_takes():
    """Before its first training nothing is known; then its slowest rate counts, by features of its kind."""
    now = [0.0]
    budget = Budget(100.0, clock=lambda: now[0])

    assert budget.training("dense", "pooled", 1000) is None and not budget.forbids(None)
    budget.note("dense", "pooled", 1000, 20.0)
    budget.note("dense", "pooled", 1000, 10.0)
    now[0] = 30.0
    assert budget.training("dense", "pooled", 3000) == pytest.approx(60)
    assert not budget.forbids(70.0) and budget.forbids(71.0)
    assert budget.training("dense", "ids", 3000) is None
    now[0] = 101.0
    assert budget.forbids(None)
    assert not Budget().forbids(1e9)


def test_probe_scales_to_the_distinct_texts():
    """A toy encoder that takes 0.1 s a text, and 9 s once for each new number of texts: 1,000 texts take 100 s."""
    now, recipe, sizes = [0.0], toy_recipe(), set()
    real = recipe.encoder.encode

    def encode(texts):
        now[0] += 0.1 * len(texts) + 9 * (len(texts) not in sizes)
        sizes.add(len(texts))
        return real(texts)

    recipe.encoder.encode = encode
    sample = TableSample([f"text {i}" for i in range(300)], np.zeros((1000, 16), np.uint8))
    found = probe(recipe, sample, 5.0, clock=lambda: now[0])

    assert found.encode == pytest.approx(100)
    assert found.encoded == 16  # 1.6 s are enough
    assert found.load == pytest.approx(5 + 0.4 + 9 + 9)  # four texts at first; 9 s for 4 texts, and for 16


def test_first_training_by_hand(monkeypatch):
    """A head that compiles for 3 s and takes 1 ms a row and model: six models of 10,000 rows, five of them of 4/5."""
    now, y = [0.0], np.arange(10_000) % 2
    rows = []

    def fit(head, x, y, tasks, n_classes, options):
        rows.append([len(task.rows) for task in tasks])
        assert all(set(y[task.rows]) == {0, 1} for task in tasks)
        now[0] += 3 + sum(rows[-1]) / 1000

    monkeypatch.setattr(training_module, "fit", fit)
    data = SimpleNamespace(x=None, y=y, classes=["a", "b"], kind="pooled")
    found = first_training(data, heads.parse("nb"), "none", {"cv": 5}, 1e9, clock=lambda: now[0])

    assert rows == [[204, 205, 205, 205, 205, 256], [409, 409, 410, 410, 410, 512]]
    assert found == pytest.approx(3 + 50, rel=0.01)
    assert first_training(data, heads.parse("nb"), "none", {"repeats": 2}, 1.0, clock=lambda: now[0]) > 1.0
    assert len(rows) == 3 and len(rows[2]) == 11  # no second try of what takes too long
    data.y = y[:2000]
    assert first_training(data, heads.parse("nb"), "none", {}, 1e9) is None


def test_sample_is_of_distinct_texts_each_as_likely(tmp_path):
    """Copies make no text likelier; each part of the table gives its share (a quarter of 512 within 5 sd of 10)."""
    words = ["".join("abcdefghij"[int(digit)] for digit in f"{i:04}") for i in range(4000)]
    table = write_csv(tmp_path / "many.csv", [("a", word) for word in [*words, *words[:2000]]])
    sample = sample_table(read_table(table))
    quarters = Counter(words.index(text) // 1000 for text in sample.texts)

    assert sample.distinct == 4000
    assert len(set(sample.texts)) == len(sample.texts) == SAMPLE
    assert all(abs(count - 128) < 50 for count in quarters.values())


def test_labels_of_encoders(monkeypatch):
    """By name, by options, or as the user says."""
    found = candidates(["words", "static:pooling=max", "mini=transformer:model=/somewhere/model,layer=-1"])

    assert [candidate.label for candidate in found] == ["words", "static.pooling-max", "mini"]
    assert found[2].options == {"model": "/somewhere/model", "layer": "-1"}
    assert {candidate.label for candidate in candidates([])} == {"static", "words"}  # the cache of the tests is empty


def entry(name, score, seconds, verdict, same=None, frontier=True):
    """A compared run, as far as the frontier looks at it."""
    against = None if same is None else SimpleNamespace(test=SimpleNamespace(practically_same=same))
    cost = SimpleNamespace(seconds=seconds, train_seconds=seconds, price=(False, seconds, 0, 0))
    interval = SimpleNamespace(low=score - 0.01, high=score + 0.01, numbers=(score, score - 0.01, score + 0.01))
    return SimpleNamespace(
        name=name, scores={"f1_macro": interval}, cost=cost, verdict=verdict, against=against, frontier=frontier
    )


def test_frontier_in_words():
    """The cheapest that is practically the same as the best; not distinguishable alone does not do."""
    runs = [
        entry("bert", 0.98, 90.0, "best"),
        entry("static", 0.978, 6.0, "practically the same", 0.97),
        entry("slow", 0.977, 50.0, "practically the same", 0.96, frontier=False),
        entry("words", 0.95, 0.25, "not distinguishable", 0.4),
    ]
    found = SimpleNamespace(runs=runs, by="f1_macro", problem="binary", rope=0.01, best="bert")

    assert choice(found).name == "static"
    assert frontier(found) == [
        "words: F1 macro 0.950 [0.940, 0.960], 0.25 s to encode and train, not distinguishable from bert",
        "static: F1 macro 0.978 [0.968, 0.988], 6 s to encode and train, practically the same as bert",
        "bert: F1 macro 0.980 [0.970, 0.990], 90 s to encode and train, the best",
        "take static: within 0.01 of the best with a probability of 0.97, so nothing that costs more is practically "
        "better",
    ]
    found.runs = [runs[0], runs[3]]
    assert frontier(found)[-1] == "take bert: nothing that costs more is better"
