"""Folders without ``tokenizer.json``: vocabularies of every form, by hand, with the ids that the architectures give."""

import json
import struct

import pytest

from embed.tokenise.hugging_face import HuggingFaceTokenizer, length_limit
from embed.tokenise.vocabularies import read_sentence_piece
from stores import FailureError, InputError

NORMAL, UNKNOWN, CONTROL = 1, 2, 3


def varint(number):
    """A number in Protocol Buffers: seven bits a byte."""
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def field(number, content):
    """A field of bytes, of a message, or a number."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def sentence_piece(path, *pieces, algorithm=1):
    """A SentencePiece model of pieces with their types; longer ones are likelier."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b""
    for text, kind in pieces:
        score = varint(2 << 3 | 5) + struct.pack("<f", len(text) - 9)
        data += field(1, field(1, text.encode()) + score + field(3, kind))
    path.write_bytes(data + field(2, field(3, algorithm)))
    return path.parent


WORDS = [("\u2581call", NORMAL), ("\u2581me", NORMAL), ("s", NORMAL)]
FAIRSEQ = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL), *WORDS]
CLS = [("<pad>", CONTROL), ("<unk>", UNKNOWN), ("[CLS]", CONTROL), ("[SEP]", CONTROL), ("[MASK]", CONTROL), *WORDS]
DEBERTA = [("[PAD]", CONTROL), ("[CLS]", CONTROL), ("[SEP]", CONTROL), ("[UNK]", UNKNOWN), *WORDS]


def ids_of(folder, kind, text):
    """All ids of a text with the special ones, and the id of the unknown token."""
    cut = HuggingFaceTokenizer(folder, kind)
    return [*cut.before, *cut([text]).ids.tolist(), *cut.after], cut.unknown


@pytest.mark.parametrize(
    ("kind", "file", "pieces", "expected", "unknown"),
    [
        # fairseq's <s> <pad> </s> <unk> are 0 to 3, and each piece is one further on; the mask is the last
        ("xlm-roberta", "sentencepiece.bpe.model", FAIRSEQ, [0, 4, 6, 5, 7, 2], 3),
        # four more than in the file, of which <s> and </s> are taken; <unk> is 3
        ("camembert", "sentencepiece.bpe.model", FAIRSEQ, [5, 7, 9, 8, 10, 6], 3),
        ("albert", "spiece.model", CLS, [2, 5, 7, 6, 4, 3], 1),
        ("deberta-v2", "spm.model", DEBERTA, [1, 4, 6, 5, 7, 2], 3),
    ],
)
def test_sentence_piece_models(tmp_path, kind, file, pieces, expected, unknown):
    """Blanks of all kinds are one, small letters for ALBERT alone; a mask in the text is one token."""
    folder = sentence_piece(tmp_path / "model" / file, *pieces)
    mask = "<mask>" if len(pieces) == len(FAIRSEQ) and pieces[0][0] == "<unk>" else "[MASK]"

    assert ids_of(folder, kind, f" calls \t me{mask}") == (expected, unknown)
    capitals = HuggingFaceTokenizer(folder, kind)(["CALL"]).ids.tolist()
    assert (unknown in capitals) == (kind != "albert")


def test_word_pieces_and_their_settings(tmp_path):
    """``vocab.txt`` with BERT's special tokens, and with MPNet's; the casing is that of ``tokenizer_config.json``."""
    words = ["call", "##s", "me"]
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]) + "\n")
    assert ids_of(tmp_path, "bert", "Calls me [SEP]") == ([2, 5, 6, 7, 3, 3], 1)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    assert ids_of(tmp_path, "electra", "Calls me") == ([2, 1, 7, 3], 1)

    (tmp_path / "vocab.txt").write_text("\n".join(["<s>", "<pad>", "</s>", "[UNK]", "<mask>", *words]) + "\n")
    (tmp_path / "tokenizer_config.json").unlink()
    assert ids_of(tmp_path, "mpnet", "calls me") == ([0, 5, 6, 7, 2], 3)
    with pytest.raises(InputError, match=r"vocab.txt has no \[CLS\], \[SEP\]; it is not the vocabulary of this model"):
        ids_of(tmp_path, "bert", "ok")


def test_byte_level_pairs(tmp_path):
    """``vocab.json`` and ``merges.txt``: a blank belongs to the word after it."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "m", "e", "\u0120", "me", "\u0120me"]
    (tmp_path / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\nm e\n\u0120 me\n", encoding="utf-8")

    assert ids_of(tmp_path, "roberta", "me me  me")[0] == [0, 8, 9, 7, 9, 2]


def test_settings_beside_a_tokenizer(tmp_path):
    """Casing of the configuration counts unless the class says otherwise; tokens added there are found."""
    from helpers.bert_models import PIECES, tokenizer

    tokenizer(lower_case=True).save(str(tmp_path / "tokenizer.json"))

    def unknown(**config):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
        return HuggingFaceTokenizer(tmp_path)(["OK"]).ids.tolist() == [1]

    assert not unknown()
    assert unknown(do_lower_case=False, tokenizer_class="BertTokenizer")
    assert not unknown(do_lower_case=False, tokenizer_class="TokenizersBackend")
    added = {str(len(PIECES)): {"content": "zebra!", "special": False}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}))
    assert HuggingFaceTokenizer(tmp_path)(["ok zebra!"]).ids.tolist() == [PIECES.index("ok"), len(PIECES)]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": {"7": {"content": "zebra!"}}}))
    with pytest.raises(InputError, match="gives 'zebra!' the id 7, tokenizer.json"):
        HuggingFaceTokenizer(tmp_path)


def test_where_words_begin(tmp_path):
    """The first piece of each word, of every text."""
    from helpers.bert_models import PIECES, tokenizer

    tokenizer().save(str(tmp_path / "tokenizer.json"))
    found = HuggingFaceTokenizer(tmp_path)(["wins, winner", "", "ok"], starts=True)

    assert [PIECES[i] for i in found.ids] == ["win", "##s", ",", "winner", "ok"]
    assert found.offsets.tolist() == [0, 4, 4, 5]
    assert found.starts.tolist() == [True, False, True, True, True]


def test_damaged_and_foreign_files(tmp_path):
    """One line that names the file."""
    sentence_piece(tmp_path / "a/spiece.model", *CLS)
    whole = (tmp_path / "a/spiece.model").read_bytes()
    (tmp_path / "a/spiece.model").write_bytes(whole[:-3])
    with pytest.raises(FailureError, match="spiece.model is damaged, or no SentencePiece model"):
        HuggingFaceTokenizer(tmp_path / "a", "albert")
    with pytest.raises(InputError, match="is no Unigram model"):
        HuggingFaceTokenizer(sentence_piece(tmp_path / "b/spiece.model", *CLS, algorithm=2), "albert")
    with pytest.raises(InputError, match=r"has no \[CLS\], \[SEP\], <pad>, \[MASK\]; it is not the vocabulary"):
        HuggingFaceTokenizer(sentence_piece(tmp_path / "c/spiece.model", *WORDS), "albert")
    split = sentence_piece(tmp_path / "d/spm.model", *DEBERTA)
    (split / "tokenizer_config.json").write_text(json.dumps({"split_by_punct": True}))
    with pytest.raises(InputError, match=r"tokenizer_config.json: split_by_punct: tk does it where tokenizer.json"):
        HuggingFaceTokenizer(split, "deberta-v2")
    (split / "tokenizer_config.json").write_text(json.dumps({"model_max_length": "long"}))
    with pytest.raises(InputError, match=r"tokenizer_config.json: model_max_length 'long' is no number of 3 or more"):
        length_limit(split)
    with pytest.raises(InputError, match="has no tokenizer.json, nor an older vocabulary of modernbert"):
        HuggingFaceTokenizer(tmp_path / "c", "modernbert")
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "Morphemes"}}')
    with pytest.raises(FailureError, match="tokenizer.json is damaged, or no tokenizer"):
        HuggingFaceTokenizer(tmp_path)
    with pytest.raises(ValueError, match="ends too early"):
        read_sentence_piece(field(1, b"abc")[:-1])
