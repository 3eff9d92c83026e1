"""The tokenizer of a Hugging Face folder, by the library ``tokenizers`` (Rust, all cores).

``tokenizer.json`` says all: normaliser, words, model (WordPiece, BPE, Unigram), special and added tokens; padding and
truncation that it may carry are switched off. Folders without it are read as ``embed.tokenise.vocabularies`` says. What
``tokenizer_config.json`` says beside it (casing, further added tokens, the length limit) is heeded as the reference
does. A text that holds an added token literally (``[MASK]``) gets that token's id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.tokenise import Tokens
from embed.tokenise.vocabularies import SENTENCE_PIECE, read_vocabulary
from stores.shared.errors import FailureError, InputError
from stores.shared.files import read_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CONFIG = "tokenizer_config.json"
FILES = (
    "tokenizer.json", CONFIG, "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt",
    *SENTENCE_PIECE,
)  # fmt: skip
UNLIMITED = 10**9  # a model_max_length beyond it means that there is none


def tokenizer_files(folder: Path) -> list[str]:
    """Names of the files that ``HuggingFaceTokenizer`` reads in a folder."""
    present = [name for name in FILES if (folder / name).is_file()]
    return [name for name in present if name in FILES[:2]] if "tokenizer.json" in present else present


def _says_all(config: dict[str, Any]) -> bool:
    """Whether ``tokenizer.json`` alone decides on casing: the reference takes it as it is for these classes."""
    return config.get("tokenizer_class") in ("TokenizersBackend", "PreTrainedTokenizerFast")


def length_limit(folder: Path) -> int | None:
    """``model_max_length``: tokens that a folder allows with special tokens; None if it does not say.

    Raises:
        InputError: if it is no number, or leaves nothing between special tokens.
        FailureError: if ``tokenizer_config.json`` is damaged.
    """
    limit = read_json(folder / CONFIG).get("model_max_length") if (folder / CONFIG).is_file() else None
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 3:
        raise InputError(f"{folder / CONFIG}: model_max_length {limit!r} is no number of 3 or more")
    return int(limit) if limit < UNLIMITED else None


def is_uncased(folder: Path) -> bool | None:
    """Whether BERT's rules in a folder make letters small; None if it has no such rules."""
    config = read_json(folder / CONFIG) if (folder / CONFIG).is_file() else {}
    rules: dict[str, Any] = {"lowercase": True}
    if (folder / "tokenizer.json").is_file():
        rules = read_json(folder / "tokenizer.json").get("normalizer") or {}
    found = None if _says_all(config) else config.get("do_lower_case")
    return bool(rules["lowercase"] if found is None else found) if "lowercase" in rules else None


class HuggingFaceTokenizer:
    """Texts to ids.

    Args:
        folder: with ``tokenizer.json`` or an older vocabulary.
        kind: ``model_type`` of its ``config.json``; it decides on the rules of an older vocabulary.
        lower_case_first: whether letters are made small before all else (``do_lower_case`` of sentence-transformers).
        casing: True for uncased, False for cased, in place of what the folder says; None: as it says.

    Attributes:
        before, after: ids of the special tokens that a text stands between.
        unknown: id of the unknown token; None where every text can be cut.
        truncates_left: whether texts that are too long lose their beginning.

    Raises:
        InputError: if there is no tokenizer, or one that tk does not run.
        FailureError: if a file is damaged.
    """

    def __init__(
        self, folder: Path, kind: str = "", lower_case_first: bool = False, casing: bool | None = None
    ) -> None:
        self._config: dict[str, Any] = read_json(folder / CONFIG) if (folder / CONFIG).is_file() else {}
        self._path = folder / "tokenizer.json"
        if self._path.is_file():
            self._tokenizer, self.unknown = _read_tokenizer(self._path)
            self._add_tokens(folder / CONFIG)
        else:
            self._tokenizer, self._path = read_vocabulary(folder, kind, self._config)
            self.unknown = _unknown(self._tokenizer, "")
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._set_casing(folder, casing, lower_case_first)
        self.before, self.after = self._special()
        self.truncates_left = self._config.get("truncation_side", "right") == "left"

    def __call__(self, texts: Sequence[str], starts: bool = False) -> Tokens:
        """The tokens of texts, without special tokens; lone surrogates are left out.

        Args:
            texts: the texts.
            starts: whether it is asked where words begin.
        """
        clean = [text if text.isascii() else text.encode("utf-8", "ignore").decode() for text in texts]
        cut = self._tokenizer.encode_batch if starts else self._tokenizer.encode_batch_fast  # the latter knows no words
        with _one_line(self._path):
            found = cut(clean, add_special_tokens=False)
        rows = [encoding.ids for encoding in found]
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        ids = np.fromiter(chain.from_iterable(rows), np.int32, offsets[-1])
        return Tokens(ids, offsets, _starts(found, offsets) if starts else None)

    def prompt_length(self, prompt: str) -> int:
        """Tokens of a prompt that a pooling without prompts leaves out: all, special ones too, but not a final one.

        As sentence-transformers counts them: the first special token is left out with the prompt.
        """
        if not prompt:
            return 0
        return len(self.before) + len(self([prompt]).ids) + max(0, len(self.after) - 1)

    def vocabulary(self) -> list[str]:
        """All tokens, added ones included."""
        return list(self._tokenizer.get_vocab())

    def token(self, number: int) -> str:
        """The token of an id, for messages."""
        return str(self._tokenizer.id_to_token(number))

    def _special(self) -> tuple[list[int], list[int]]:
        """Ids before and after a text, as the template of the tokenizer puts them."""
        pieces = (self._tokenizer.id_to_token(i) or "" for i in range(64))
        for probe in ("a", "1", ".", *pieces):  # the first text of which tokens come
            with _one_line(self._path):
                inner = self._tokenizer.encode(probe, add_special_tokens=False).ids
                whole = self._tokenizer.encode(probe)
            ids, mask = whole.ids, whole.special_tokens_mask
            if inner and 0 in mask:
                start = mask.index(0)
                if ids[start : start + len(inner)] == inner:
                    return ids[:start], ids[start + len(inner) :]
        raise InputError(f"{self._path}: it puts special tokens into texts in a way that tk does not know")

    def _set_casing(self, folder: Path, casing: bool | None, lower_case_first: bool) -> None:
        from tokenizers import normalizers

        normaliser = self._tokenizer.normalizer
        if isinstance(normaliser, normalizers.BertNormalizer):
            rules = {"lowercase": "do_lower_case", "strip_accents": "strip_accents"}
            rules |= {"handle_chinese_chars": "tokenize_chinese_chars"}
            for rule, key in rules.items():
                if self._config.get(key) is not None and not _says_all(self._config):
                    setattr(normaliser, rule, bool(self._config[key]))
            if casing is not None:
                normaliser.lowercase = casing
            self._tokenizer.normalizer = normaliser
        elif casing is not None:
            raise InputError(f"`casing`: the tokenizer of {folder} is none of BERT's; leave it out")
        if lower_case_first:
            rest = [normaliser] if normaliser else []
            self._tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *rest])

    def _add_tokens(self, path: Path) -> None:
        """Added tokens that ``tokenizer_config.json`` alone knows; they must get the ids that it gives them."""
        from tokenizers import AddedToken

        listed = self._config.get("added_tokens_decoder") or {}
        if not isinstance(listed, dict):
            raise FailureError(f"{path}: added_tokens_decoder is no object; get the file again")
        for number, entry in sorted(listed.items(), key=lambda item: (len(item[0]), item[0])):
            content = entry.get("content") if isinstance(entry, dict) else None
            if not isinstance(content, str) or not number.isdecimal():
                raise FailureError(f"{path}: added_tokens_decoder {number!r} names no token; get the file again")
            if self._tokenizer.token_to_id(content) is None:
                flags = {name: bool(entry.get(name)) for name in ("lstrip", "rstrip", "single_word", "normalized")}
                self._tokenizer.add_tokens([AddedToken(content, special=bool(entry.get("special")), **flags)])
            if self._tokenizer.token_to_id(content) != int(number):
                raise InputError(
                    f"{path}: added_tokens_decoder gives {content!r} the id {number}, tokenizer.json"
                    f" {self._tokenizer.token_to_id(content)}; get both files from one place"
                )


def _read_tokenizer(path: Path) -> tuple[Tokenizer, int | None]:
    from tokenizers import Tokenizer

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise FailureError(f"{path} cannot be read ({error}); get it again") from error
    with _one_line(path):
        tokenizer = Tokenizer.from_str(text)
    return tokenizer, _unknown(tokenizer, text)


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    """What the library raises within, ``Exception`` itself or a panic that is not even one, as ``FailureError``."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        why = str(error).partition("\n")[0]
        raise FailureError(f"{path} is damaged, or no tokenizer known to this version ({why}); get it again") from None


def _unknown(tokenizer: Tokenizer, text: str) -> int | None:
    """The id of the unknown token; that of a Unigram model is a number in the file."""
    token = getattr(tokenizer.model, "unk_token", None)
    if token is not None:
        return tokenizer.token_to_id(token)
    found = re.search(r'"unk_id"\s*:\s*(\d+)', text or tokenizer.to_str())
    return int(found[1]) if found else None


def _starts(found: list, offsets: np.ndarray) -> np.ndarray:
    """Where words begin: where the number of the word is another than that of the token before."""
    words = chain.from_iterable(encoding.word_ids for encoding in found)
    number = np.array([-1 if word is None else word for word in words], np.int64)
    starts = np.ones(len(number), bool)
    starts[1:] = (number[1:] != number[:-1]) | (number[1:] < 0)
    starts[offsets[:-1][np.diff(offsets) > 0]] = True
    return starts
