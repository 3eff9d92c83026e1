"""Texts that are the same but for their writing have one normal form."""

import pytest

from stores.shared.likeness import normal_form, normal_forms


@pytest.mark.parametrize(("a", "b"), [
    ("WIN a Prize NOW!!", "win  a prize now"),  # case, blanks, punctuation
    ("call 0800 123", "Call 0900 45678"),  # digits, however many
    ("see http://t.co/a1B2", "see https://example.org/x?y=1"),  # links
    ("@anna thanks", "@bob_2 thanks"),  # mentions
    ("ﬁne ｆｕｌｌ", "fine full"),  # NFKC: ligatures, full width
    ("Straße", "STRASSE"),  # case folding
])  # fmt: skip
def test_writing_alone_makes_no_other_text(a, b):
    """Pairs that differ in one of the six ways are alike."""
    assert normal_form(a) == normal_form(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("good", "not good"),
        ("not good", "good not"),  # order
        (":)", "?"),
        ("@anna thanks", "thanks"),
        ("call 1", "call"),
        ("résumé", "resume"),  # accents
        ("कि", "का"),  # vowel signs are no punctuation
        ("good 😀", "good 😡"),
    ],
)
def test_other_words_make_another_text(a, b):
    """A word, a mention, a number, an accent or an emoji more is another text; signs alone are kept apart."""
    assert normal_form(a) != normal_form(b)


def test_among_others_a_text_has_the_form_that_it_has_alone():
    """By hand, with what is joined and cut again: line breaks, blanks at the ends, empty texts, other scripts."""
    forms = {
        " Two\nlines \r\n": "two lines",
        "": "",
        "\n": "",
        "Room 1001, 100": "room 0 0",
        "0": "0",
        "00 ": "0",
        "a\x1cb\t\x0bc": "a b c",
        "a@b.c @d": "a b c mention0",
        "ÉTÉ 2024!": "été 0",
        "?!  :)": "?! :)",
        "nul\x00": "nul\x00",
    }
    many = list(forms) * 60  # more than are looked at at once

    assert normal_forms(many) == list(forms.values()) * 60
    assert [normal_form(text) for text in forms] == list(forms.values())
    assert normal_forms([]) == []
