"""The published forms of BERT, each opened as a tokenizer and a network.

Weights of a TF-Hub module are run by ``embed.networks.transformer`` if that gives what the module's own graph gives:
both are compared on made-up token ids before the first use of the weights, and the result is kept in the cache folder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from embed.encoders._agreement import TOLERANCE, agreement
from embed.encoders._bert_module import BertModule, ModulePieces
from embed.encoders._execution import Networks, OneNetwork
from embed.encoders._sentence_folder import SentenceFolder
from embed.networks.transformer import TransformerNetwork
from embed.networks.transformer_weights import VERSIONS
from embed.tokenise import Tokenizer
from embed.tokenise.hugging_face import HuggingFaceTokenizer
from embed.tokenise.wordpiece import WordPiece
from embed.weights.bert import read_google, read_hub
from embed.weights.bert_vocabulary import (
    BertVocabulary,
    google_vocabulary,
    guess_lower_case,
    hub_vocabulary,
)
from embed.weights.transformer import read_transformer
from stores.shared.errors import InputError
from stores.shared.reporter import Reporter

PROBE = (3, 7, 16)  # tokens of the made-up texts


def form_of(path: Path) -> str:
    """``google`` (a checkpoint), ``hugging_face`` or ``hub`` (a TF-Hub module).

    Raises:
        InputError: if there is no BERT in ``path``.
    """
    for name, form in (("bert_config.json", "google"), ("config.json", "hugging_face"), ("saved_model.pb", "hub")):
        if (path / name).is_file():
            return form
    raise InputError(
        f"{path} holds no BERT: neither saved_model.pb of a TF-Hub module, nor bert_config.json of a checkpoint of"
        " Google's, nor config.json of a Hugging Face folder"
    )


def open_bert(
    folder: SentenceFolder,
    preprocessor: Path | None,
    lower_case: bool | None,
    precision: str,
    device: str | None,
    reporter: Reporter,
    load: Callable[[Path], Any],
) -> tuple[Tokenizer, Networks | OneNetwork]:
    """The fastest way through the model in a folder that gives what was published.

    Args:
        folder: of the weights.
        preprocessor: folder of a preprocessor module, or None: the model's own vocabulary.
        lower_case: whether the model is uncased; None: as it says itself, else as it looks.
        precision: of the matrix products.
        device: where it runs.
        reporter: told what was taken for granted.
        load: makes a module of a folder.

    Raises:
        InputError: if there is no BERT in it, or no vocabulary.
        FailureError: if its files are damaged.
    """
    path, form = folder.network, form_of(folder.network)
    networks: Networks | OneNetwork
    vocabulary: BertVocabulary | None = None
    if form == "google":
        networks, vocabulary = Networks(read_google(path), precision), google_vocabulary(path)
    elif form == "hugging_face":
        networks = Networks(read_transformer(path), precision)
    else:
        networks, vocabulary = _hub_networks(path, precision, device, reporter, load), hub_vocabulary(path)
    if preprocessor is not None:
        return ModulePieces(preprocessor, load), networks
    if form == "hugging_face":
        return HuggingFaceTokenizer(path, "bert", folder.lower_case, lower_case), networks
    if vocabulary is None:
        raise InputError(f"{path} has no vocabulary (assets/vocab.txt); name its `preprocessor`")
    return _word_pieces(path, vocabulary, lower_case, reporter), networks


def _word_pieces(path: Path, vocabulary: BertVocabulary, lower_case: bool | None, reporter: Reporter) -> WordPiece:
    lower_case = vocabulary.lower_case if lower_case is None else lower_case
    if lower_case is None:
        lower_case, why = guess_lower_case(path, vocabulary.pieces)
        taken = "uncased" if lower_case else "cased"
        reporter.warn(f"{path} is taken for {taken} ({why}); `casing` says otherwise")
    return WordPiece(vocabulary.pieces, lower_case, longest=vocabulary.longest)


def _hub_networks(
    path: Path, precision: str, device: str | None, reporter: Reporter, load: Callable[[Path], Any]
) -> Networks | OneNetwork:
    weights = read_hub(path)
    if weights is None:
        _check_precision(path, precision)
        return OneNetwork(BertModule(path, load))
    network = TransformerNetwork(weights)
    found = agreement(
        path,
        "transformer",
        VERSIONS["float32"],
        device,
        lambda: {"difference": _probe(network, BertModule(path, load))},
    )
    difference = found["difference"]
    if difference <= TOLERANCE:
        return Networks(weights, precision, network if precision == "float32" else None)
    _check_precision(path, precision)
    reporter.warn(
        f"{path} differs from the BERT that tk knows by up to {difference:.1e}; its own graph is used, slower"
    )
    return OneNetwork(BertModule(path, load))


def _check_precision(path: Path, precision: str) -> None:
    if precision != "float32":
        raise InputError(f"`precision={precision!r}`: {path} runs by its own graph, which has its own; leave it out")


def _probe(network: TransformerNetwork, module: BertModule) -> float:
    """The largest difference in the last layer and the pooler, of made-up texts in one batch."""
    if module.depth not in (1, network.depth):
        return np.inf
    rng = np.random.default_rng(0)
    lengths = np.array([min(length, network.max_tokens) for length in PROBE], np.int32)
    ids = rng.integers(0, network.vocabulary, lengths.sum()).astype(np.int32)
    differences = []
    for pooler in (False, True):
        (found,) = network.compile([network.depth], pooler)(ids, lengths)
        (expected,) = module.compile([module.depth], pooler)(ids, lengths)
        differences.append(float(np.abs(np.asarray(found) - expected).max()))
    return max(differences)
