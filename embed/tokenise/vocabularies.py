"""Vocabularies of folders without ``tokenizer.json``, as tokenizers of the library ``tokenizers``.

========================================  =================================================================
``vocab.txt``                             WordPiece: BERT, DistilBERT, ELECTRA, MPNet
``vocab.json`` and ``merges.txt``         byte-level BPE: RoBERTa
``sentencepiece.bpe.model``, ``*.model``  Unigram: XLM-R, CamemBERT, ALBERT, DeBERTa-v2
========================================  =================================================================

A SentencePiece model is a message of Protocol Buffers (``sentencepiece_model.proto`` of google/sentencepiece). Its
pieces get other ids in XLM-R and CamemBERT, whose first four are fairseq's. Characters are mapped as the model says;
the library transformers does so to version 4, and from 5 on leaves that out for DeBERTa-v2 (it takes NFC), where a few
texts in a thousand get other pieces: tk keeps to what the model was trained with.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stores.shared.errors import FailureError, InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SENTENCE_PIECE = ("sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model", "sentencepiece.model")
WORD_PIECE = {"bert": "[CLS] [SEP] [UNK] [PAD] [MASK]", "mpnet": "<s> </s> [UNK] <pad> <mask>"}
WORD_PIECE |= dict.fromkeys(("distilbert", "electra"), WORD_PIECE["bert"])
UNIGRAM = ("xlm-roberta", "camembert", "albert", "deberta-v2")
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4  # types of pieces


def read_vocabulary(folder: Path, kind: str, config: dict[str, Any]) -> tuple[Tokenizer, Path]:
    """The tokenizer of a folder without ``tokenizer.json``, and the file that it was made of.

    Args:
        folder: the folder.
        kind: ``model_type`` of its ``config.json``.
        config: what is in its ``tokenizer_config.json``.

    Raises:
        InputError: if there is no vocabulary, or none whose rules are known for such a model.
        FailureError: if a file is damaged.
    """
    if (path := folder / "vocab.txt").is_file() and kind in WORD_PIECE:
        return _word_piece(path, WORD_PIECE[kind].split(), config), path
    if (path := folder / "vocab.json").is_file() and (folder / "merges.txt").is_file() and kind == "roberta":
        return _byte_level(path, folder / "merges.txt", config), path
    for name in SENTENCE_PIECE:
        if (path := folder / name).is_file() and kind in UNIGRAM:
            if config.get("split_by_punct"):
                where = folder / "tokenizer_config.json"
                raise InputError(f"{where}: split_by_punct: tk does it where tokenizer.json says so, and there is none")
            return _sentence_piece(path, kind, config), path
    raise InputError(
        f"{folder} has no tokenizer.json, nor an older vocabulary of {kind or 'its model'} that tk reads (vocab.txt,"
        " vocab.json and merges.txt, or a SentencePiece model); get tokenizer.json from where the model was published"
    )


def word_piece(
    pieces: list[str], lower_case: bool, strip_accents: bool | None = None, longest: int = 100, chinese: bool = True
) -> Tokenizer:
    """BERT's rules over a vocabulary: pieces in the order of their ids; no special token is found in a text."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=longest))  # noqa: S106
    made.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=chinese, strip_accents=strip_accents, lowercase=lower_case
    )
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def _word_piece(path: Path, special: list[str], config: dict[str, Any]) -> Tokenizer:
    try:
        pieces = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, ValueError) as error:
        raise FailureError(f"{path} cannot be read ({error}); get it again") from error
    lower, chinese = config.get("do_lower_case", True), config.get("tokenize_chinese_chars", True)
    _need(path, pieces, special[:3])
    return _around(word_piece(pieces, bool(lower), config.get("strip_accents"), 100, bool(chinese)), special)


def _byte_level(path: Path, merges: Path, config: dict[str, Any]) -> Tokenizer:
    from tokenizers import Tokenizer, models, pre_tokenizers

    try:
        made = Tokenizer(models.BPE.from_file(str(path), str(merges)))
    except Exception as error:  # the library has no type of its own
        raise FailureError(f"{path} or {merges.name} is damaged ({error}); get them again") from error
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=bool(config.get("add_prefix_space", False)))
    special = ["<s>", "</s>", "<unk>", "<pad>", "<mask>"]
    _need(path, made.get_vocab(), special[:2])
    return _around(made, special)


def _sentence_piece(path: Path, kind: str, config: dict[str, Any]) -> Tokenizer:
    """A Unigram model with the ids and the rules of an architecture."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    try:
        pieces, characters, algorithm = read_sentence_piece(path.read_bytes())
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise FailureError(f"{path} is damaged, or no SentencePiece model ({error}); get it again") from error
    if algorithm != 1 or not pieces:
        raise InputError(f"{path} is no Unigram model, as those of {kind} are")
    scores = [(piece, score) for piece, score, _ in pieces]
    if kind == "xlm-roberta":
        scores = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *scores[3:], ("<mask>", 0.0)]
    elif kind == "camembert":
        first = [("<s>NOTUSED", 0.0), ("<pad>", 0.0), ("</s>NOTUSED", 0.0), ("<unk>", 0.0), ("<unk>NOTUSED", -100.0)]
        scores = [*first, *scores[1:], ("<mask>", 0.0)]
    elif kind == "deberta-v2" and "[MASK]" not in dict(scores):
        scores = [*scores, ("[MASK]", 0.0)]
    names = [piece for piece, _ in scores]
    marks = ["<s>", "</s>", "<pad>", "<mask>"] if "roberta" in kind or kind == "camembert" else None
    special = marks or ["[CLS]", "[SEP]", "<pad>" if kind == "albert" else "[PAD]", "[MASK]"]
    _need(path, names, special)
    unknown = next((i for i, (_, _, sort) in enumerate(pieces) if sort == UNKNOWN), 0)
    unknown = names.index("<unk>") if marks else unknown
    made = Tokenizer(models.Unigram(scores, unk_id=unknown, byte_fallback=False))
    steps: list[Any] = []
    if kind == "albert":
        steps = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"')]
        if not config.get("keep_accents", False):
            steps += [normalizers.NFKD(), normalizers.StripAccents()]
    if config.get("do_lower_case", kind == "albert"):
        steps.append(normalizers.Lowercase())
    if characters:
        steps.append(normalizers.Precompiled(characters))
    steps.append(normalizers.Replace(Regex(r"\s+"), " "))
    made.normalizer = normalizers.Sequence(steps)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("\u2581", prepend_scheme="always")]
    )
    return _around(made, special)


def _around(tokenizer: Tokenizer, special: list[str]) -> Tokenizer:
    """The tokenizer with its special tokens: the first two around each text, all of them found in texts."""
    from tokenizers import AddedToken, processors

    # only the mask takes the blank before it along
    there = [t for t in special if tokenizer.token_to_id(t) is not None]
    tokenizer.add_special_tokens([AddedToken(t, lstrip=t == "<mask>", normalized=False, special=True) for t in there])
    first, last = special[:2]
    ids = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=ids)
    return tokenizer


def _need(path: Path, pieces: list[str] | dict[str, int], special: list[str]) -> None:
    known = set(pieces)
    if missing := [token for token in special if token not in known]:
        raise InputError(f"{path} has no {', '.join(missing)}; it is not the vocabulary of this model")


def read_sentence_piece(data: bytes) -> tuple[list[tuple[str, float, int]], bytes, int]:
    """Pieces (text, score, type), the map of characters of the normaliser, and the kind of model (1: Unigram).

    Raises:
        ValueError: if the bytes are no such message.
    """
    pieces, characters, algorithm = [], b"", 1
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):  # pieces: text 1, score 2 (float), type 3
            entry = dict(_fields(value))
            text, score = entry.get(1, b""), entry.get(2, b"\0\0\0\0")
            if not isinstance(text, bytes) or not isinstance(score, bytes):
                raise ValueError("a piece without text")
            pieces.append((text.decode("utf-8"), float(struct.unpack("<f", score)[0]), int(entry.get(3, NORMAL))))
        elif number == 2 and isinstance(value, bytes):  # trainer_spec: model_type 3
            algorithm = int(dict(_fields(value)).get(3, 1))
        elif number == 3 and isinstance(value, bytes):  # normalizer_spec: precompiled_charsmap 2
            characters = bytes(dict(_fields(value)).get(2, b""))
    return pieces, characters, algorithm


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each field of a message: numbers, and bytes of all else (Protocol Buffers, "Encoding")."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        sort = key & 7
        if sort == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if sort == 2:
            size, at = _varint(data, at)
        elif sort in (1, 5):
            size = 8 if sort == 1 else 4
        else:
            raise ValueError(f"a field of type {sort}")
        if at + size > len(data):
            raise ValueError("it ends too early")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than ten bytes")
