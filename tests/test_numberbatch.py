"""The encoder ``numberbatch``: terms, words that it does not know, other languages."""

import numpy as np
import pytest
from helpers.word_vectors import TERMS, pooled

from embed import load_encoder


def test_longest_terms(small_encoder):
    """``credit card`` is one term, also across an article; ``24 hours`` is ``##_hours``."""
    encoder = small_encoder("numberbatch", TERMS)

    assert encoder.terms_of("The Credit Card of a creditor, 24 hours") == ["credit_card", "of", "creditor", "##_hours"]
    assert encoder.terms_of("credit the card; credit to") == ["credit_card", "credit", "to"]
    assert pooled(encoder, "credit cards and credit card") != pooled(encoder, "credit card")


def test_prefixes_of_an_unknown_word(small_encoder):
    """The longest beginning that terms share: creditx -> credit..., creditorial -> creditor...; one letter is none."""
    encoder = small_encoder("numberbatch", TERMS)
    credit = [[2, 2], [3, 3], [5, 7], [7, 9]]

    assert pytest.approx(np.mean(credit, 0)) == pooled(encoder, "creditx")[0]
    assert pytest.approx([6, 8]) == pooled(encoder, "creditorial")[0]
    assert pytest.approx(np.mean(credit, 0)) == pooled(encoder, "cred")[0]
    assert pooled(encoder, "cxx", "zzz") == [[0, 0], [0, 0]]
    assert encoder.encode(["creditx credit"]).counts.tolist() == [[2, 1, 0]]
    assert pooled(small_encoder("numberbatch", TERMS, unknown="skip"), "creditx") == [[0, 0]]


def test_all_terms_with_the_same_beginning(small_encoder):
    """However many there are; from U+3000 on one character is enough. The groups come in any order."""
    lines = ["66 1", *(f"ab{i:02} {i}" for i in range(10, 73)), "\u732b\u8033 5", "\u732b\u820c 7", "\xe9t\xe9 3"]
    encoder = small_encoder("numberbatch", lines)

    assert pooled(encoder, "abc", "ab1c", "ab7c", "\u732b\u53e3", "\xe9cole") == [[41], [14.5], [71], [6], [0]]
    assert pooled(encoder, "abd ab1d") == [[(41 + 14.5) / 2]]


def test_forgotten_vectors_are_read_again(small_encoder, monkeypatch):
    """With two vectors in memory at most, every mean and count is what it is with all."""
    texts = ["creditx", "creditors card cash", "cred", "credit_card"]
    whole = small_encoder("numberbatch", TERMS).encode(texts)
    monkeypatch.setattr("embed.vectors.file.KEPT", 2)
    again = small_encoder("numberbatch", TERMS).encode([*texts, *texts])

    assert whole.outputs["pooled"].tolist() == again.outputs["pooled"][:4].tolist()
    assert whole.outputs["pooled"].tolist() == again.outputs["pooled"][4:].tolist()


def test_other_languages(small_encoder):
    """Keys of the language first, then the same spelling in English; articles are English."""
    lines = ["4 2", "/c/de/die 1 1", "/c/de/karte 2 2", "/c/en/die 9 9", "/c/en/cash 4 4"]
    encoder = small_encoder("numberbatch", lines, language="de")

    assert pooled(encoder, "Die Karte", "die", "cash") == [[1.5, 1.5], [1, 1], [4, 4]]
    assert pooled(small_encoder("numberbatch", lines), "die") == [[9, 9]]


def test_unknown_words_of_other_languages(small_encoder):
    """The English term and the mean of all that begin alike count the same, as the publishers have it."""
    lines = ["6 2", "/c/de/hund 1 1", "/c/de/hunde 3 3", "/c/de/katze 5 5", "/c/en/hund 90 90", "/c/en/hundred 4 8",
             "/c/en/zebra 6 6"]  # fmt: skip
    encoder = small_encoder("numberbatch", lines, language="de")

    assert pooled(encoder, "hundred") == [[(2 + 4) / 2, (2 + 8) / 2]]  # hund, hunde; hundred
    assert pooled(encoder, "hundx", "zebra", "hund") == [[2, 2], [6, 6], [1, 1]]
    assert encoder.encode(["hundred hundx hund"]).counts.tolist() == [[3, 1, 0]]
    assert pooled(small_encoder("numberbatch", lines, language="de", unknown="skip"), "hundred") == [[4, 8]]


def test_terms_that_begin_with_to(small_encoder):
    """In Czech "to" is a word as any other; in English it begins no term."""
    lines = ["3 1", "/c/cs/to_je 1", "/c/cs/to 2", "/c/cs/je 3"]

    assert small_encoder("numberbatch", lines, language="cs").terms_of("To je to") == ["to_je", "to"]
    assert small_encoder("numberbatch", ["to_be 1", "to 2", "be 3"]).terms_of("to be") == ["to", "be"]


def test_numberbatch_sif_takes_the_weights_of_static(small_encoder):
    """Weight of ``card`` from the table that ships; a term that it lacks weighs 1."""
    static = load_encoder("static").table
    weight = static.weights[static.index["card"]]
    found = pooled(small_encoder("numberbatch", TERMS, pooling="sif"), "card", "credit card")

    assert 0 < weight < 1
    assert [pytest.approx([weight, weight]), [3, 3]] == found
