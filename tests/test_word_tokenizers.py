"""The words of a text as the vectors of ``glove`` and ``numberbatch`` were made."""

import itertools

import numpy as np
import pytest
from helpers.word_vectors import LINES, pooled

from embed.encoders._word_numbers import KEPT, LONGEST, WordNumbers
from embed.tokenise import numberbatch, twitter
from embed.tokenise.stanford import Stanford


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("They don't, it's we'll", "They do n't , it 's we 'll"),
        ("can't WON'T cannot gonna", "ca n't WO N'T can not gon na"),
        ('He said "hi" (loudly).', "He said `` hi '' ( loudly ) ."),
        ("Mr. Smith's U.S. office, 5 p.m.", "Mr. Smith 's U.S. office , 5 p.m."),
        ("$1,000.50 is 50% at 10:30", "$ 1,000.50 is 50 % at 10:30"),
        ("year-old e-mail -- and/or...", "year-old e-mail -- and / or ..."),
        ("o'clock O'Neill dogs' AT&T", "o'clock O'Neill dogs ' AT&T"),
        ("it\u2019s the 1980s\u2026", "it 's the 1980s ..."),
        ("me@x.org http://t.co/a.", "me@x.org http://t.co/a ."),
        ("", ""),
    ],
)
def test_stanford_words(text, expected):
    """By the conventions of the Penn Treebank."""
    assert expected.split() == Stanford(lower=False).words(text)
    assert expected.lower().split() == Stanford().words(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 &lt; 7 &amp; Tom&amp;Jerry &quot;hi&quot;", "5 < 7 & tom&jerry `` hi ''"),
        ("caf&eacute;&nbsp;bar it&#39;s &#8220;so&#x201d; &AMP;", "caf\xe9 bar it 's \u201c so \u201d &"),
        ("&foo; &lt &copycat;", "&foo; & lt &copycat;"),  # no entities of HTML
        ("say \x93hi\x94 it\x92s\x85 a\x96b c \x97 d", "say \u201c hi \u201d it 's ... a \u2013 b c \u2014 d"),
        ("hi:) ok :-( great;) fun:).", "hi :) ok :-( great ;) fun :) ."),
        ("so &lt;3 much :D x:d :p", "so <3 much :d x : d :p"),
        ("subject:(none) (18) a:b http://x.org/:) 8:)", "subject : ( none ) ( 18 ) a : b http://x.org/ : ) 8 : )"),
        ('he said "hi :)" (see ;))', "he said `` hi :) '' ( see ;) )"),
    ],
)
def test_characters_that_are_meant(text, expected):
    """Entities of HTML, the marks of Windows-1252, and emoticons, which are one word."""
    assert expected.split() == Stanford().words(text)


def test_emoticons_are_those_of_the_file(small_encoder):
    """One that the file does not hold is cut into its marks."""
    encoder = small_encoder("glove", [*LINES, ":) 2 2", ": 1 1"])

    assert encoder.numbered([":) :-( x"]).vocabulary == [":)", ":", "-", "(", "x"]
    assert pooled(encoder, "fun:)") == [[3, -1]]
    assert pooled(small_encoder("glove", LINES), "fun:)") == [[4, -4]]


def test_a_text_is_numbered_as_it_is_cut():
    """By pieces that were seen before or not, in any company, after the pieces are forgotten, too."""
    texts = ["Fun, fun!", "don't (don't) ...", "", "   ", 'fun "so" fun']
    stanford = Stanford()
    numbers = WordNumbers(stanford.cut, stanford.prepare)
    numbers(["so fun"])
    for _ in "12":
        found = numbers(texts)
        words = np.array(found.vocabulary)[found.ids]
        cut = [words[a:b].tolist() for a, b in itertools.pairwise(found.offsets)]
        assert cut == [stanford.words(text) for text in texts]
        assert found.vocabulary == list(dict.fromkeys(word for some in cut for word in some))
        assert found.counts.tolist() == [[len(some), 0, 0] for some in cut]
        for forgotten in ([f"piece{i}" for i in range(KEPT + 1)], ["x" * (LONGEST + 1)]):
            numbers(forgotten)
            numbers(texts[:1])
            assert len(numbers._pieces) <= 2


def test_stanford_words_are_rows_of_the_real_file(real):
    """Contractions, quotes, abbreviations and numbers are made into words that are among the first of 6B."""
    lines = (real / "glove/glove.6B.50d.first2446.utf8.txt").read_text(encoding="utf-8").split("\n")
    rows = {line.split(" ")[0] for line in lines}
    text = "Don't \"say\" we're I'm it's he'd U.S. U.N. Inc. Dr. Sept. 1,000 p.m. 1990s ... -- $ % & ' _ ( ) no. St."

    made = Stanford().words(text)
    assert {"n't", "``", "''", "'re", "'m", "'s", "'d", "u.s.", "inc.", "1,000", "p.m.", "1990s", "..."} <= set(made)
    assert set(made) <= rows | {"no"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Hello, @username! :) #one #two #three",
            "hello , <user> ! <smile> <hashtag> one <hashtag> two <hashtag> three",
        ),
        ("!!! ?!? .", "! <repeat> ? <repeat> ."),
        ("wayyyy too goood", "way <elong> too goood"),
        ("http://t.co/Ab?x=1 and www.a.com/x", "<url> and <url>"),
        (":P 8-D (-: ;( :| :/ <3", "<lolface> <smile> ( - : <sadface> <neutralface> : / <heart>"),
        ("-1,000.50 24/7", "<number> <number> / <number>"),
        ("#BigFun #WIN", "<hashtag> big fun <hashtag> win <allcaps>"),
        ("I LOVE don't", "i love <allcaps> don't"),
    ],
)
def test_twitter_rules(text, expected):
    """The script's own examples, and each of its rules; ``:/`` is cut apart by the rule before, as in the script."""
    assert expected.split() == twitter.words(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [  # all but the last two from wordfreq 3.1.1: tokenize(text, "xx")
        ("½ cup m² x² 10½ ① Ⅳ", "cup m x 10 ⅳ"),
        ("Acme™ ™ n°5 ٣٤ days", "acme ™ ™ n ° 5 ٣٤ days"),
        ("co\xadoperate ﬁne x\u0301y İstanbul qu'un l@s", "co\xadoperate fine x\u0301y i\u0307stanbul qu un l@s"),
        ("ภาษาไทย हिन्दी भाषा 日本語テキスト 👍🏽", "ภาษาไทย हिन्दी भाषा 日本語テキスト 👍🏽"),
        ("don't stop e.g. U.S.A. example.com", "don't stop e.g u.s.a example.com"),
        ("a/b C++ 3.14 1,000 24 hours", "a b c 3.14 1,000 24 hours"),
        ("rock'n'roll 'quoted' dogs' l'été y'all", "rock'n'roll quoted dogs l été y all"),
        ("well-known AT&T 10:30 a:b a·b", "well known at t 10 30 a:b a·b"),
        ("naïve Straße Привет ＦＵＬＬ", "naïve strasse привет ｆｕｌｌ"),
        ("😀 @user #tag $100 50% £5 7up", "😀 user tag 100 50 5 7up"),
        ("credit_card", "credit card"),
        ("we\u2019ve", "we've"),
    ],
)
def test_numberbatch_words(text, expected):
    """As the package that made the keys cuts and folds them."""
    assert expected.split() == numberbatch.words(text, "xx")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a test phrase", "test_phrase"),
        ("24 hours", "##_hours"),
        ("7 up", "7_up"),
        ("1 of 10", "#_of_##"),
        ("٣٤ days", "٣٤_days"),
        ("The A", "the_a"),
        ("Credit Card", "credit_card"),
    ],
)
def test_numberbatch_keys(text, expected):
    """The documented examples; two digits side by side make # of all, and articles go."""
    assert expected == numberbatch.hashed("_".join(numberbatch.words(text)))
