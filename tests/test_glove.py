"""The encoders ``glove`` and ``numberbatch``: words as the vectors were made, pools, unknown words, coverage."""

import csv
import gzip
import itertools
import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from helpers import ROOT
from helpers.reporter import warned
from helpers.toy import write_csv

from embed import Recipe, StoreOptions, embed, load_encoder, read_table
from embed.compress_vectors import shrink
from embed.encoders._pooling import pool
from embed.encoders._word_numbers import KEPT, LONGEST, WordNumbers
from embed.tokenise import numberbatch, twitter
from embed.tokenise.stanford import Stanford
from stores import FeatureStore, InputError

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LINES = ["the 1 0", "cash 0 2", "is 3 3", "fun 4 -4", "do 1 1", "n't 2 2", "e 9 1"]
TERMS = ["5 2", "card 1 1", "credit 2 2", "credit_card 3 3", "creditor 5 7", "creditors 7 9", "##_hours 4 4"]


def write(path, lines):
    """A file of these lines."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.fixture
def small(tmp_path):
    """A function: encoder, lines of its file, options -> the encoder."""
    return lambda name, lines, **options: load_encoder(name, model=write(tmp_path / f"{name}.txt", lines), **options)


def pooled(encoder, *texts):
    """The vectors of texts."""
    return encoder.encode(list(texts)).outputs["pooled"].tolist()


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


def test_emoticons_are_those_of_the_file(small):
    """One that the file does not hold is cut into its marks."""
    encoder = small("glove", [*LINES, ":) 2 2", ": 1 1"])

    assert encoder.numbered([":) :-( x"]).vocabulary == [":)", ":", "-", "(", "x"]
    assert pooled(encoder, "fun:)") == [[3, -1]]
    assert pooled(small("glove", LINES), "fun:)") == [[4, -4]]


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


def test_families_are_told_by_the_words_of_the_file(small):
    """A file of the twitter family, a cased one, and any other; the option decides otherwise."""
    text = "@me The FUN isn't"
    twitter_file, cased = [*LINES, "<user> 1 1"], [*LINES, "The 5 5"]

    assert small("glove", LINES).numbered([text]).vocabulary == ["@", "me", "the", "fun", "is", "n't"]
    assert small("glove", cased).numbered([text]).vocabulary == ["@", "me", "The", "FUN", "is", "n't"]
    assert small("glove", twitter_file).numbered([text]).vocabulary == ["<user>", "the", "fun", "<allcaps>", "isn't"]
    assert small("glove", LINES, tokenizer="twitter").numbered(["@me"]).vocabulary == ["<user>"]
    assert small("glove", LINES).identity()["tokenizer"] == "stanford"


def test_cased_words_fall_back_to_small_letters(small):
    """``The`` has its row, ``FUN`` that of ``fun``."""
    assert pooled(small("glove", [*LINES, "The 5 5"]), "The FUN") == [[(5 + 4) / 2, (5 - 4) / 2]]


def test_pools_by_hand(small):
    """(1, 0) and (4, -4): mean, largest, smallest, cube root of the mean cube; an unknown word takes no part."""
    expected = [2.5, -2, 4, 0, 1, -4, np.cbrt(65 / 2), np.cbrt(-64 / 2)]
    found = pooled(small("glove", LINES, pooling="mean+max+min+power3"), "the fun zzz", "zzz", "")

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


def test_sif_by_hand(small):
    """Of 7 words in a row the rank gives p = (1 / rank) / (1 + 1/2 + ... + 1/7), and the weight 0.001 / (0.001 + p)."""
    total = sum(1 / rank for rank in range(1, 8))
    the, fun = (0.001 / (0.001 + 1 / rank / total) for rank in (1, 4))

    assert (
        pytest.approx([(the * 1 + fun * 4) / 2, -fun * 4 / 2])
        == pooled(small("glove", LINES, pooling="sif"), "the fun")[0]
    )


def test_ids_keep_every_word(small):
    """In order, with the row of each and zeros for an unknown one."""
    features = small("glove", LINES, output="ids").encode(["fun zzz fun", "", "cash"])

    assert (features.kind, features.vocabulary) == ("ids", ["fun", "zzz", "cash"])
    assert features.outputs["ids"].tolist() == [0, 1, 0, 2]
    assert features.table.tolist() == [[4, -4], [0, 0], [0, 2]]
    assert features.counts.tolist() == [[3, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_characters_of_an_unknown_word(small):
    """The mean of those that are words of the file; the word counts as unknown all the same."""
    features = small("glove", LINES, unknown="characters").encode(["zeez"])

    assert features.outputs["pooled"].tolist() == [[9, 1]]
    assert features.counts.tolist() == [[1, 1, 0]]


def test_parts_of_an_unknown_compound(small):
    """The mean of those parts that the file has; it counts as unknown, and one that is known stays whole."""
    encoder = small("glove", [*LINES, "cash-fun 7 7"], unknown="parts")
    features = encoder.encode(["Fun-the fun&cash-zzz", "cash-fun zzz http://x.org/fun-cash", "zz-yy"])

    mean_of_two = [[(4 + 1) / 2, -4 / 2], [(4 + 0) / 2, (-4 + 2) / 2]]
    assert features.outputs["pooled"].tolist() == [np.mean(mean_of_two, 0).tolist(), [7, 7], [0, 0]]
    assert features.counts.tolist() == [[2, 2, 0], [3, 2, 0], [1, 1, 0]]


def test_longest_terms(small):
    """``credit card`` is one term, also across an article; ``24 hours`` is ``##_hours``."""
    encoder = small("numberbatch", TERMS)

    assert encoder.terms_of("The Credit Card of a creditor, 24 hours") == ["credit_card", "of", "creditor", "##_hours"]
    assert encoder.terms_of("credit the card; credit to") == ["credit_card", "credit", "to"]
    assert pooled(encoder, "credit cards and credit card") != pooled(encoder, "credit card")


def test_prefixes_of_an_unknown_word(small):
    """The longest beginning that terms share: creditx -> credit..., creditorial -> creditor...; one letter is none."""
    encoder = small("numberbatch", TERMS)
    credit = [[2, 2], [3, 3], [5, 7], [7, 9]]

    assert pytest.approx(np.mean(credit, 0)) == pooled(encoder, "creditx")[0]
    assert pytest.approx([6, 8]) == pooled(encoder, "creditorial")[0]
    assert pytest.approx(np.mean(credit, 0)) == pooled(encoder, "cred")[0]
    assert pooled(encoder, "cxx", "zzz") == [[0, 0], [0, 0]]
    assert encoder.encode(["creditx credit"]).counts.tolist() == [[2, 1, 0]]
    assert pooled(small("numberbatch", TERMS, unknown="skip"), "creditx") == [[0, 0]]


def test_all_terms_with_the_same_beginning(small):
    """However many there are; from U+3000 on one character is enough. The groups come in any order."""
    lines = ["66 1", *(f"ab{i:02} {i}" for i in range(10, 73)), "\u732b\u8033 5", "\u732b\u820c 7", "\xe9t\xe9 3"]
    encoder = small("numberbatch", lines)

    assert pooled(encoder, "abc", "ab1c", "ab7c", "\u732b\u53e3", "\xe9cole") == [[41], [14.5], [71], [6], [0]]
    assert pooled(encoder, "abd ab1d") == [[(41 + 14.5) / 2]]


def test_forgotten_vectors_are_read_again(small, monkeypatch):
    """With two vectors in memory at most, every mean and count is what it is with all."""
    texts = ["creditx", "creditors card cash", "cred", "credit_card"]
    whole = small("numberbatch", TERMS).encode(texts)
    monkeypatch.setattr("embed.vectors.file.KEPT", 2)
    again = small("numberbatch", TERMS).encode([*texts, *texts])

    assert whole.outputs["pooled"].tolist() == again.outputs["pooled"][:4].tolist()
    assert whole.outputs["pooled"].tolist() == again.outputs["pooled"][4:].tolist()


def test_other_languages(small):
    """Keys of the language first, then the same spelling in English; articles are English."""
    lines = ["4 2", "/c/de/die 1 1", "/c/de/karte 2 2", "/c/en/die 9 9", "/c/en/cash 4 4"]
    encoder = small("numberbatch", lines, language="de")

    assert pooled(encoder, "Die Karte", "die", "cash") == [[1.5, 1.5], [1, 1], [4, 4]]
    assert pooled(small("numberbatch", lines), "die") == [[9, 9]]


def test_unknown_words_of_other_languages(small):
    """The English term and the mean of all that begin alike count the same, as the publishers have it."""
    lines = ["6 2", "/c/de/hund 1 1", "/c/de/hunde 3 3", "/c/de/katze 5 5", "/c/en/hund 90 90", "/c/en/hundred 4 8",
             "/c/en/zebra 6 6"]  # fmt: skip
    encoder = small("numberbatch", lines, language="de")

    assert pooled(encoder, "hundred") == [[(2 + 4) / 2, (2 + 8) / 2]]  # hund, hunde; hundred
    assert pooled(encoder, "hundx", "zebra", "hund") == [[2, 2], [6, 6], [1, 1]]
    assert encoder.encode(["hundred hundx hund"]).counts.tolist() == [[3, 1, 0]]
    assert pooled(small("numberbatch", lines, language="de", unknown="skip"), "hundred") == [[4, 8]]


def test_terms_that_begin_with_to(small):
    """In Czech "to" is a word as any other; in English it begins no term."""
    lines = ["3 1", "/c/cs/to_je 1", "/c/cs/to 2", "/c/cs/je 3"]

    assert small("numberbatch", lines, language="cs").terms_of("To je to") == ["to_je", "to"]
    assert small("numberbatch", ["to_be 1", "to 2", "be 3"]).terms_of("to be") == ["to", "be"]


def test_numberbatch_sif_takes_the_weights_of_static(small):
    """Weight of ``card`` from the table that ships; a term that it lacks weighs 1."""
    static = load_encoder("static").table
    weight = static.weights[static.index["card"]]
    found = pooled(small("numberbatch", TERMS, pooling="sif"), "card", "credit card")

    assert 0 < weight < 1
    assert [pytest.approx([weight, weight]), [3, 3]] == found


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


@pytest.mark.slow
def test_coverage_of_the_real_emails(real):
    """Of the words of letters in 5,728 e-mails, those in the first 2,446 of GloVe: as a plain count gives them."""
    path = real / "glove/glove.6B.50d.first2446.utf8.txt"
    known = {line.split(" ")[0] for line in path.read_text(encoding="utf-8").split("\n")}
    with gzip.open(real / "spam_emails/emails.csv.gz", "rt", encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    cut_apart = {"cannot", "gonna", "wanna", "gotta", "gimme", "lemme"}
    plain = [[w for w in text.split() if w.isascii() and w.isalpha() and w.lower() not in cut_apart] for text in texts]
    counts = Counter(word.lower() for words in plain for word in words)
    unknown = {word: count for word, count in counts.items() if word not in known}
    coverage = load_encoder("glove", model=str(path)).coverage()
    coverage.add(" ".join(words) for words in plain)
    totals = coverage.totals()

    assert len(counts) > 20_000
    assert (totals["types"], totals["unknown_types"]) == (len(counts), len(unknown))
    assert totals["unknown_words"] == dict(sorted(unknown.items(), key=lambda item: (-item[1], item[0]))[:20])


def test_store_says_coverage_and_licence(tmp_path):
    """Counts over all rows, whether encoded now or taken from another store; the licence of Numberbatch."""
    model = write(tmp_path / "nb.txt", TERMS)
    one = write_csv(tmp_path / "a.csv", [("x", "credit card zz"), ("y", "zz creditor qq")])
    two = write_csv(tmp_path / "b.csv", [("x", "credit card zz"), ("y", "new zz")])
    embed(read_table(one), Recipe.of("numberbatch", model=model), tmp_path / "a.h5")
    summary = embed(read_table(two), Recipe.of("numberbatch", model=model), tmp_path / "b.h5")
    with FeatureStore(tmp_path / "b.h5") as store:
        totals, licence = store.totals, store.recipe["licence"]

    assert licence.startswith("CC BY-SA 4.0") and "Luminoso" in licence
    assert summary.totals["reused"] == 1
    assert totals == summary.totals
    assert {"types": 3, "unknown_types": 2, "unknown_words": {"zz": 2, "new": 1}}.items() <= totals.items()
    assert (totals["tokens"], totals["unknown_tokens"]) == (4, 3)


def test_small_parts_make_the_same_store(tmp_path, small, monkeypatch):
    """Words are counted and cut in one thread while vectors are looked up in another; each text is cut once."""
    texts = [f"fun {LETTERS[i % 26]}{LETTERS[i // 26]}, the cash" for i in range(90)] + ["fun, fun"] * 5
    table, encoder = write_csv(tmp_path / "a.csv", [("x", text) for text in texts]), small("glove", LINES)
    cut, real = [], WordNumbers.__call__
    monkeypatch.setattr(WordNumbers, "__call__", lambda self, some: cut.extend(some) or real(self, some))
    recipe = Recipe.of("glove", model=str(tmp_path / "glove.txt"))
    embed(read_table(table), recipe, tmp_path / "a.h5", store=StoreOptions(part_rows=7))
    with FeatureStore(tmp_path / "a.h5") as store:
        assert sorted(cut) == sorted(texts)
        assert store.read().outputs["pooled"].tolist() == pooled(encoder, *texts)
        assert (store.totals["types"], store.totals["unknown_types"]) == (94, 91)


def test_bad_lines_are_counted(tmp_path, capsys):
    """One warning that names the first lines, and the count in the store, also where all texts were known before."""
    lines = [*TERMS, "dog 1", "dogs x y", "dogma 1 nan", *(f"bad{i} 1" for i in range(9)), "cat 1 1"]
    model = write(tmp_path / "nb.txt", lines)
    text = "dog dogma doge cat " + " ".join(f"bad{i}" for i in range(5))
    table = write_csv(tmp_path / "a.csv", [("x", text), ("y", "dog")])
    for name in ("a", "b"):
        recipe = Recipe.of("numberbatch", model=model, skip_bad_lines=True)
        with warned(capsys, r"nb.txt: 7 broken lines left out: line 8 \(1 numb.*, ...$"):
            summary = embed(read_table(table), recipe, tmp_path / f"{name}.h5")
        with FeatureStore(tmp_path / f"{name}.h5") as store:
            assert store.totals["bad_lines"] == summary.totals["bad_lines"] == 8
    assert summary.totals["reused"] == 2


def test_same_bytes_packed_otherwise_are_one_identity(tmp_path):
    """A text that was encoded with the plain file is not encoded again with its gzip."""
    model, table = write(tmp_path / "a.txt", LINES), write_csv(tmp_path / "a.csv", [("x", "fun cash"), ("y", "the")])
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress((tmp_path / "a.txt").read_bytes()))
    embed(read_table(table), Recipe.of("glove", model=model), tmp_path / "a.h5")

    assert embed(read_table(table), Recipe.of("glove", model=model + ".gz"), tmp_path / "b.h5").totals["encoded"] == 0


@pytest.mark.slow
def test_second_run_does_not_read_the_file(tmp_path):
    """Of a file of 1 MB, the same command again reads its first bytes and its last ones, to see what it is."""
    model = write(tmp_path / "a.txt", [f"w{i} {i} {i}" for i in range(60_000)])
    table = write_csv(tmp_path / "a.csv", [("x", "w5 w7"), ("y", "w9")])
    program = f"""
import builtins, io, sys
sys.path.insert(0, {str(ROOT)!r})
from embed import Recipe, embed, read_table
real, read = open, [0]
class Counting(io.FileIO):
    def readinto(self, buffer):
        read[0] += (n := super().readinto(buffer))
        return n
    def read(self, size=-1):
        read[0] += len(data := super().read(size))
        return data
def counting(path, mode="r", buffering=-1, *rest, **options):
    if str(path) == {model!r}:
        return io.BufferedReader(Counting(path))
    return real(path, mode, buffering, *rest, **options)
builtins.open = io.open = counting
embed(read_table({str(table)!r}), Recipe.of("glove", model={model!r}), {str(tmp_path / "a.h5")!r})
print(read[0])
"""
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True) for _ in "12"]
    first, second = (int(done.stdout) for done in runs)

    assert first > 800_000
    assert second < 200_000


def test_shrunk_table_is_close(tmp_path):
    """The most frequent words, in principal directions: distances stay; the licence goes along."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 6))  # all variance lies in two directions
    lines = [f"w{i} {' '.join(f'{x:.5f}' for x in row)}" for i, row in enumerate(plane)]
    model, small = write(tmp_path / "a.txt", lines), tmp_path / "small.npz"
    small.write_bytes(shrink("glove", {"model": model}, 40, 2))
    table = load_encoder("glove", model=str(small)).table
    expected = np.linalg.norm(plane[:40, None] - plane[:40], axis=-1)

    assert table.words == [f"w{i}" for i in range(40)]
    assert (
        np.abs(np.linalg.norm(table.vectors[:, None] - table.vectors, axis=-1) - expected).max() < 0.03 * expected.max()
    )
    assert table.weights[0] < table.weights[39]
    small.write_bytes(shrink("numberbatch", {"model": write(tmp_path / "nb.txt", TERMS)}, 3, None))
    encoder = load_encoder("numberbatch", model=str(small))
    assert set(encoder.table.words) == {"card", "credit", "creditors"}
    assert "Luminoso" in encoder.licence
    assert json.loads(json.dumps(encoder.identity()))["weights"] == encoder.table.digest
    for top, width, message in ((0, None, "`top=0` leaves no word"), (9, 3, "`width=3`")):
        with pytest.raises(InputError, match=message):
            shrink("glove", {"model": write(tmp_path / "two.txt", LINES)}, top, width)
    with pytest.raises(InputError, match="no file of word vectors that could be shrunk"):
        shrink("words", {}, 9, None)
