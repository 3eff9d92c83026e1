"""``bert``: text by Bidirectional Encoder Representations from Transformers (Devlin et al. 2018, "BERT").

https://arxiv.org/abs/1810.04805. All published forms are taken: TF-Hub encoders of both generations, with the
preprocessor where one is given; Google's checkpoints; BERTs in folders of Hugging Face and of sentence-transformers,
which mean what they say. Other TF-Hub encoders that come with a preprocessor (ALBERT, ELECTRA, ...) run by their own
graph. Other architectures, and names on the Hugging Face hub, are for ``transformer``, which shares all code below.

A text is cut into word pieces, between ``[CLS]`` and ``[SEP]``. Its vector is made of those of its tokens, these two
included, as ``pooling`` says: see ``embed.encoders._sequence_pooling``. Vectors are not normalised, unless the model is
a sentence-transformers folder that does so. The vector of a text depends on that text alone: no arithmetic is spent on
padding, and none leaks in. A text without any piece (empty, or white space) has the vector of ``[CLS] [SEP]``.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from embed.encoders._bert_formats import form_of, open_bert
from embed.encoders._execution import Networks, OneNetwork
from embed.encoders._sentence_folder import SentenceFolder, read_sentence_folder
from embed.encoders._sequence_encoder import SequenceEncoder
from embed.encoders._sequence_options import check
from embed.encoders.base import Published
from embed.models.cache import files_digest, weights_digest
from embed.networks.transformer_weights import VERSIONS as NETWORK_VERSIONS
from embed.tokenise import Tokenizer
from embed.tokenise.hugging_face import is_uncased, length_limit, tokenizer_files
from embed.weights.bert_vocabulary import google_vocabulary, guess_lower_case
from embed.weights.safetensors import weight_files
from embed.weights.transformer_config import Config
from stores.shared.errors import InputError
from stores.shared.files import read_json

VERSION = 2  # raise it whenever the same text, weights and options give another vector
HUB = "https://tfhub.dev/tensorflow/"
SHORT = {
    "large": f"{HUB}bert_en_cased_L-24_H-1024_A-16/4",
    "large-uncased": f"{HUB}bert_en_uncased_L-24_H-1024_A-16/4",
    "base": f"{HUB}bert_en_cased_L-12_H-768_A-12/4",
    "base-uncased": f"{HUB}bert_en_uncased_L-12_H-768_A-12/4",
    "multilingual": f"{HUB}bert_multi_cased_L-12_H-768_A-12/4",
    "small": f"{HUB}small_bert/bert_en_uncased_L-4_H-512_A-8/2",
    "tiny": f"{HUB}small_bert/bert_en_uncased_L-2_H-128_A-2/2",
}
CASINGS = ("cased", "uncased", None)


class BertEncoder(SequenceEncoder):
    """BERT's vectors of texts, or of their word pieces.

    Args:
        model: folder, archive or TF-Hub handle, or for one of Google's ``large``, ``large-uncased``, ``base``,
            ``base-uncased``, ``multilingual``, ``small`` or ``tiny``.
        preprocessor: TF-Hub handle or folder of a preprocessor module; None: the model's own vocabulary.
        casing: ``cased`` or ``uncased``; None: as the model says it, else as its name and vocabulary look.
        output: ``pooled``, one vector a text, or ``tokens``, one a word piece.
        pooling: of pooled: ``mean``, ``max``, ``cls``, ``lasttoken``, ``weightedmean``, ``mean_sqrt_len_tokens``,
            several joined by ``+``; ``pooler``, of ``[CLS]`` after the dense layer that was trained to see which
            sentence follows; ``last4``, the mean of all tokens in the last four layers; None: as a
            sentence-transformers folder says, else ``mean``. Of tokens: ``first``, the first piece of each word;
            None: all pieces.
        layer: 0 (the embeddings) to the last, or from the end, -1 the last; several with commas, side by side.
        max_tokens: most tokens of a text with ``[CLS]`` and ``[SEP]``; None: the model's own limit.
        long_text: what is read of longer texts: ``truncate``, the beginning; ``window``, all in windows that share a
            quarter, whose vectors are averaged by their tokens (``max``: the largest); ``head-tail``, a quarter from
            the beginning and the rest from the end.
        precision: ``float32``, ``bfloat16`` or ``float16`` of the matrix products; ``auto``: bfloat16 where the
            processor multiplies it natively, else float32.
        device: ``cpu``, ``gpu`` or ``gpu:1``; None: TensorFlow's choice.

    Raises:
        InputError: an option has no such value, or there is no such model.
        FailureError: the model is not available.
    """

    name = "bert"
    needs = ("tensorflow", "tensorflow-text")
    published = Published(SHORT["large"], "1.3 GB", "Apache-2.0", "Google on TF-Hub and Kaggle")

    def __init__(
        self,
        model: str = published.model,
        preprocessor: str | None = None,
        casing: str | None = None,
        output: str = "pooled",
        pooling: str | None = None,
        layer: str = "-1",
        max_tokens: int | None = None,
        long_text: str = "truncate",
        precision: str = "float32",
        device: str | None = None,
    ) -> None:
        check(self.name, "casing", casing, CASINGS)
        self.casing = casing
        self._path = self.resolve(SHORT.get(model, model))
        self._preprocessor = self.resolve(preprocessor) if preprocessor else None
        named = (self._path / "modules.json").is_file()
        self.folder = read_sentence_folder(self._path) if named else SentenceFolder(self._path)
        self._form = form_of(self.folder.network)
        self.configure(output, pooling, layer, max_tokens, long_text, precision, device)
        self.prompt, self._default_prompt = self.folder.prompt(None), True
        self.dims = self.folder.dims
        self._config: Config | None = None
        if self._form == "hugging_face":
            self._config = Config(self.folder.network / "config.json")
            if self._config.kind != "bert":
                raise InputError(
                    f"{self._path} holds a model of type {self._config.kind}; `encoder='bert'` takes BERT, and"
                    " `encoder='transformer'` this one"
                )

    def identity(self) -> dict:
        """Name, versions, digests of model and preprocessor, and what the options come to."""
        return self.shared_identity(
            version=VERSION,
            network=NETWORK_VERSIONS[self.precision],
            weights=self._digest(),
            preprocessor=weights_digest(self._preprocessor) if self._preprocessor else None,
            casing=self._resolved_casing(),
            layer=self._resolved_layers(self._size[0]) if self._size else self._layer,
            max_tokens=self._resolved_limit(),
        )

    def weights(self) -> dict[str, tuple[Path, list[str] | None]]:
        """The model, and the preprocessor where there is one."""
        found = {"preprocessor": (self._preprocessor, None)} if self._preprocessor else {}
        return {"model": (self._path, self._files()), **found}

    def _digest(self) -> str:
        """Of all files that are read."""
        names = self._files()
        return weights_digest(self._path) if names is None else files_digest(self._path, names)

    def _files(self) -> list[str] | None:
        """Those that are read, below the model's folder; None: all."""
        network: Path = self.folder.network
        if self._config is None:
            return None
        names = ["config.json", *weight_files(network), *([] if self._preprocessor else tokenizer_files(network))]
        names = [(network / name).relative_to(self._path).as_posix() for name in names]
        return [*self.folder.files, *names]

    def _resolved_casing(self) -> str | None:
        """What is done, where that can be told without opening the model; else what was asked for."""
        if self._preprocessor:
            return None
        uncased = None if self.casing is None else self.casing == "uncased"
        if self._form == "google" and uncased is None:
            vocabulary = google_vocabulary(self.folder.network)
            uncased, _ = guess_lower_case(self.folder.network, vocabulary.pieces)
        elif self._form == "hugging_face" and uncased == is_uncased(self.folder.network):
            return None
        return None if uncased is None else "uncased" if uncased else "cased"

    def _resolved_limit(self) -> int | None:
        asked = self.max_tokens or self.limit()
        return min(asked or self._size[1], self._size[1]) if self._size else asked

    @cached_property
    def _size(self) -> tuple[int, int] | None:
        """Layers and positions, where that can be told without opening the model, as with all but modules of TF-Hub."""
        if self._config:
            return self._config.depth, self._config.max_tokens
        if self._form != "google":
            return None
        found = read_json(self.folder.network / "bert_config.json")
        depth, positions = (found.get(name) for name in ("num_hidden_layers", "max_position_embeddings"))
        return (depth, positions) if isinstance(depth, int) and isinstance(positions, int) else None

    def limit(self) -> int | None:
        """That of sentence-transformers where it stands, else that of the tokenizer."""
        return self.folder.max_tokens or (length_limit(self.folder.network) if self._config else None)

    def open(self) -> tuple[Tokenizer, Networks | OneNetwork]:
        """See ``embed.encoders._bert_formats``."""
        lower_case = None if self.casing is None else self.casing == "uncased"
        return open_bert(
            self.folder, self._preprocessor, lower_case, self.precision, self.device, self.reporter, self.load_module
        )
