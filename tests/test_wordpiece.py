"""WordPiece: Google's published cases, and the same pieces as Hugging Face's library on real texts."""

import csv
import gzip
from itertools import pairwise

import pytest

from embed.tokenise.wordpiece import WordPiece
from stores import InputError

SPECIAL = ["[UNK]", "[CLS]", "[SEP]"]
# google-research/bert, tokenization_test.py: test_full_tokenizer
GOOGLES = [*SPECIAL, "want", "##want", "##ed", "wa", "un", "runn", "##ing", ","]


def pieces(vocabulary, text, lower_case=True, **rules):
    """The pieces of a text, as strings."""
    return [vocabulary[i] for i in WordPiece(vocabulary, lower_case, **rules)([text]).ids]


def test_googles_full_tokenizer():
    """The published case: an accent goes, and words fall into csv_chunks."""
    assert pieces(GOOGLES, "UNwant\u00e9d,running") == ["un", "##want", "##ed", ",", "runn", "##ing"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("unwanted running", ["un", "##want", "##ed", "runn", "##ing"]),
        ("unwantedX running", ["[UNK]", "runn", "##ing"]),
    ],
)
def test_googles_wordpiece_tokenizer(text, expected):
    """``test_wordpiece_tokenizer``: the longest pieces first, all of a word or none."""
    assert pieces(GOOGLES, text, lower_case=False) == expected


@pytest.mark.parametrize(
    ("text", "lower_case", "expected"),
    [
        ("ah\u535a\u63a8zz", True, "ah \u535a \u63a8 zz"),  # test_chinese
        (" \tHeLLo!how  \n Are yoU?  ", True, "hello ! how are you ?"),  # test_basic_tokenizer_lower
        ("H\u00e9llo", True, "hello"),
        (" \tHeLLo!how  \n Are yoU?  ", False, "HeLLo ! how Are yoU ?"),  # test_basic_tokenizer_no_lower
        ("H\u00e9llo", False, "H\u00e9llo"),
        ("a\u00adb\u200bc\x07d\ufffde\x00f", False, "abcdef"),  # test_clean_text, test_is_control
        ("a\u00a0b\u2028c", False, "a b c"),  # test_is_whitespace
        ("a-b$c`d\u3001e", False, "a - b $ c ` d \u3001 e"),  # test_is_punctuation
    ],
)
def test_googles_basic_tokenizer(text, lower_case, expected):
    """Cut at blanks, punctuation and CJK characters, with a vocabulary that has every word."""
    assert pieces([*SPECIAL, *sorted(set(expected.split()))], text, lower_case) == expected.split()


@pytest.mark.parametrize("longest", [100, 200])
def test_words_that_are_too_long_are_unknown(longest):
    """Up to the limit in characters, also of several bytes each, a word is cut; beyond it, it is one unknown piece."""
    vocabulary = [*SPECIAL, "\u00e6", "##\u00e6", "ok"]
    text = " ".join(["\u00e6" * longest, "\u00e6" * (longest + 1), "ok"])

    found = pieces(vocabulary, text, False, longest=longest)
    assert found == ["\u00e6", *["##\u00e6"] * (longest - 1), "[UNK]", "ok"]


def test_accents_may_stay_in_small_letters():
    """As in some German models."""
    vocabulary = [*SPECIAL, "k\u00f6ln", "koln"]

    assert pieces(vocabulary, "K\u00d6LN", True, strip_accents=False) == ["k\u00f6ln"]
    assert pieces(vocabulary, "K\u00d6LN", True) == ["koln"]


def test_starts_of_words_and_empty_texts():
    """Offsets say which text owns which pieces, ``starts`` where words begin."""
    found = WordPiece(GOOGLES, True)(["running wanted", "", "want"])

    assert found.offsets.tolist() == [0, 4, 4, 5]
    assert found.starts.tolist() == [True, False, True, False, True]
    assert len(WordPiece(GOOGLES, True)([]).ids) == 0


def test_a_vocabulary_of_another_kind_is_refused():
    """The special pieces tell."""
    with pytest.raises(InputError, match=r"the vocabulary has no \[CLS\], \[SEP\]; it is none of BERT's"):
        WordPiece(["[UNK]", "a"], True)


def column(path, number, **opening):
    """A column of a real table, without its header."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="", **opening) as file:
        return [row[number] for row in csv.reader(file)][1:]


@pytest.mark.slow
@pytest.mark.parametrize("casing", ["uncased", "cased"])
def test_same_pieces_as_hugging_face_on_real_texts(real, casing):
    """Every SMS, e-mail and tweet, with Google's vocabularies; characters newer than its tables do not occur."""
    tokenizers = pytest.importorskip("tokenizers")
    csv.field_size_limit(10**9)
    texts = column(real / "spam_sms/spam.csv", 1, encoding="cp1252", errors="replace")
    texts += column(real / "spam_emails/emails.csv.gz", 0, encoding="utf-8")
    texts += column(real / "disaster_tweets/train.csv", 3, encoding="utf-8")
    path = real / f"bert_vocab/bert_base_{casing}_vocab.txt"
    theirs = tokenizers.BertWordPieceTokenizer(str(path), lowercase=casing == "uncased")
    expected = [found.ids for found in theirs.encode_batch(texts, add_special_tokens=False)]
    vocabulary = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")

    found = WordPiece(vocabulary, casing == "uncased", longest=100)(texts)
    assert [found.ids[a:b].tolist() for a, b in pairwise(found.offsets)] == expected
