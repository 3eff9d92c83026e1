"""Each step of the cleaning by its rule, worked out by eye."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.cleaning import STEPS, clean, parse_steps
from stores import InputError


@pytest.mark.parametrize(
    ("step", "text", "expected"),
    [
        ("html", "fine<br /><br />film", "fine  film"),
        ("html", "<b class='x'>1 < 2</b> &amp; a<b", " 1 < 2  & a<b"),
        ("html", "&lt;#&gt; &pound;5 <!-- no --> <3", "<#> £5   <3"),
        ("lower", "ÄPFEL İ", "äpfel i̇"),
        ("digits", "win 100 at 5pm, ٣ x², ½", "win     at  pm,   x², ½"),
        ("punctuation", "don't — stop! £5 a_b 😀 ok", "don t   stop   5 a b   ok"),
        ("single-chars", "i am a b c. x", " am   c. "),
        ("single-chars", "ab", "ab"),
        ("spaces", " a\t\nb\u00a0c\u2003d ", "a b c d"),
        ("urls", "see http://t.co/x?y=1 or WWW.a.org, ok", "see   or   ok"),
        ("mentions", "@me and me@home.org (@you_2)", "  and me@home.org ( )"),
    ],
)
def test_step(step, text, expected):
    """What goes, what stays, and what becomes a blank."""
    assert clean([text], [step]) == [expected]


def test_steps_are_taken_in_the_order_given():
    """Tags after digits are no tags any more."""
    assert clean(["<h1>Hi</h1>"], parse_steps("html,digits,spaces")) == ["Hi"]
    assert clean(["a1b"], parse_steps("digits,single-chars,spaces")) == [""]
    assert clean(["a1b"], parse_steps("single-chars,digits,spaces")) == ["a b"]


def test_names_of_steps():
    """``classic`` is five of them, ``none`` none; an unknown one lists those that there are."""
    assert parse_steps("classic") == ("html", "digits", "punctuation", "single-chars", "spaces")
    assert parse_steps("lower, classic")[0] == "lower"
    assert parse_steps("none") == ()
    with pytest.raises(InputError, match="`clean=.stem.`: .* choose of html, lower, .* classic or none"):
        parse_steps("stem")


def published(text):
    """The cleaning of the published IMDB experiments, in its own few lines."""
    text = re.sub(r"<[^>]+>", "", text)
    text = re.sub("[^a-zA-Z]", " ", text)
    text = re.sub(r"\s+[a-zA-Z]\s+", " ", text)
    return re.sub(r"\s+", " ", text)


def test_classic_is_the_published_cleaning():
    """On English: the same words, but for single letters side by side or at an end; there it leaves some."""
    text = "A <b>truly</b> great film, isn't it? I'd give 10 out of 10!<br />It cost $5. Well-made; a must see"

    assert clean([text], parse_steps("classic")) == ["truly great film isn it give out of It cost Well made must see"]
    assert published(text).split() == ["A", *"truly great film isn it d give out of It cost Well made must see".split()]


@pytest.mark.slow
@given(st.text(), st.sampled_from(list(STEPS)))
def test_step_twice_is_step_once(text, step):
    """No step makes new work for itself, but html: an entity may spell a tag or an entity."""
    once = clean([text], [step])

    if step != "html":
        assert clean(once, [step]) == once


@given(st.text())
def test_classic_leaves_words_of_letters(text):
    """Nothing but words of two characters or more, a blank between."""
    (cleaned,) = clean([text], parse_steps("classic"))

    assert all(len(word) > 1 for word in cleaned.split(" ") if cleaned)
    assert cleaned == cleaned.strip()


@pytest.mark.parametrize("step", STEPS)
def test_no_text_takes_long(step):
    """A text of 400,000 characters that looks like the beginning of something, again and again (no quadratic time)."""
    for piece in ("<a", "<!--", "@", "&amp", "http:", "a ", " "):
        assert len(clean([piece * (400_000 // len(piece))], [step])) == 1
