"""The encoder ``glove``: families of files, pools, words as ids, unknown words, options."""

import numpy as np
import pytest
from helpers.word_vectors import LINES, pooled

from embed import load_encoder
from embed.encoders._pooling import pool
from stores import InputError


def test_families_are_told_by_the_words_of_the_file(small_encoder):
    """A file of the twitter family, a cased one, and any other; the option decides otherwise."""
    text = "@me The FUN isn't"
    twitter_file, cased = [*LINES, "<user> 1 1"], [*LINES, "The 5 5"]

    assert small_encoder("glove", LINES).numbered([text]).vocabulary == ["@", "me", "the", "fun", "is", "n't"]
    assert small_encoder("glove", cased).numbered([text]).vocabulary == ["@", "me", "The", "FUN", "is", "n't"]
    assert small_encoder("glove", twitter_file).numbered([text]).vocabulary == [
        "<user>",
        "the",
        "fun",
        "<allcaps>",
        "isn't",
    ]
    assert small_encoder("glove", LINES, tokenizer="twitter").numbered(["@me"]).vocabulary == ["<user>"]
    assert small_encoder("glove", LINES).identity()["tokenizer"] == "stanford"


def test_cased_words_fall_back_to_small_letters(small_encoder):
    """``The`` has its row, ``FUN`` that of ``fun``."""
    assert pooled(small_encoder("glove", [*LINES, "The 5 5"]), "The FUN") == [[(5 + 4) / 2, (5 - 4) / 2]]


def test_pools_by_hand(small_encoder):
    """(1, 0) and (4, -4): mean, largest, smallest, cube root of the mean cube; an unknown word takes no part."""
    expected = [2.5, -2, 4, 0, 1, -4, np.cbrt(65 / 2), np.cbrt(-64 / 2)]
    found = pooled(small_encoder("glove", LINES, pooling="mean+max+min+power3"), "the fun zzz", "zzz", "")

    assert pytest.approx(expected) == found[0]
    assert [[0] * 8] * 2 == found[1:]


@pytest.mark.parametrize("pooling", ["min", "power3", "max+power3", "power3+mean+min"])
def test_pool_equals_the_loop(pooling):
    """For texts of 0 to 9 words, one text at a time."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 5)).astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 10, 50))])
    ids = rng.integers(0, 30, offsets[-1])
    by_hand = {"mean": lambda x: x.mean(0), "max": lambda x: x.max(0), "min": lambda x: x.min(0),
               "power3": lambda x: np.cbrt((x.astype(float) ** 3).mean(0))}  # fmt: skip
    for i, row in enumerate(pool(vectors, ids, offsets, pooling)):
        own = vectors[ids[offsets[i] : offsets[i + 1]]]
        parts = [by_hand[part](own) if len(own) else np.zeros(5) for part in pooling.split("+")]
        np.testing.assert_allclose(row, np.concatenate(parts), rtol=1e-4, atol=1e-5)


def test_sif_by_hand(small_encoder):
    """Of 7 words in a row the rank gives p = (1 / rank) / (1 + 1/2 + ... + 1/7), and the weight 0.001 / (0.001 + p)."""
    total = sum(1 / rank for rank in range(1, 8))
    the, fun = (0.001 / (0.001 + 1 / rank / total) for rank in (1, 4))

    assert (
        pytest.approx([(the * 1 + fun * 4) / 2, -fun * 4 / 2])
        == pooled(small_encoder("glove", LINES, pooling="sif"), "the fun")[0]
    )


def test_ids_keep_every_word(small_encoder):
    """In order, with the row of each and zeros for an unknown one."""
    features = small_encoder("glove", LINES, output="ids").encode(["fun zzz fun", "", "cash"])

    assert (features.kind, features.vocabulary) == ("ids", ["fun", "zzz", "cash"])
    assert features.outputs["ids"].tolist() == [0, 1, 0, 2]
    assert features.table.tolist() == [[4, -4], [0, 0], [0, 2]]
    assert features.counts.tolist() == [[3, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_characters_of_an_unknown_word(small_encoder):
    """The mean of those that are words of the file; the word counts as unknown all the same."""
    features = small_encoder("glove", LINES, unknown="characters").encode(["zeez"])

    assert features.outputs["pooled"].tolist() == [[9, 1]]
    assert features.counts.tolist() == [[1, 1, 0]]


def test_parts_of_an_unknown_compound(small_encoder):
    """The mean of those parts that the file has; it counts as unknown, and one that is known stays whole."""
    encoder = small_encoder("glove", [*LINES, "cash-fun 7 7"], unknown="parts")
    features = encoder.encode(["Fun-the fun&cash-zzz", "cash-fun zzz http://x.org/fun-cash", "zz-yy"])

    mean_of_two = [[(4 + 1) / 2, -4 / 2], [(4 + 0) / 2, (-4 + 2) / 2]]
    assert features.outputs["pooled"].tolist() == [np.mean(mean_of_two, 0).tolist(), [7, 7], [0, 0]]
    assert features.counts.tolist() == [[2, 2, 0], [3, 2, 0], [1, 1, 0]]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("glove", {"pooling": "median"}, "choose sif, or one or more of: mean, max, min, power3"),
        ("glove", {"pooling": "mean+mean"}, "`pooling='mean\\+mean'` does not exist"),
        ("glove", {"unknown": "prefix"}, "`unknown='prefix'` does not exist, choose one of: skip, characters, parts"),
        ("glove", {"tokenizer": "bert"}, "choose one of: stanford, stanford-cased, twitter"),
        ("numberbatch", {"output": "tokens"}, "choose one of: pooled, ids"),
    ],
)
def test_wrong_options(name, options, message):
    """One line that lists the right ones, before any file is looked for."""
    with pytest.raises(InputError, match=message):
        load_encoder(name, **options)
