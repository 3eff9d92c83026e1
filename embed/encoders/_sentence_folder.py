"""What a sentence-transformers folder means beside its network: pooling, modules after it, prompts, limits.

Both generations of files are read (to version 5, and 6). Only the last part of a module's type counts, since the
generations use other paths; a module that tk has not is refused by name, since vectors without it would be others.
A folder without ``modules.json`` is a network alone; it gets a mean, as sentence-transformers gives it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from embed.encoders._sentence_modules import MODULES, Module, below
from stores.shared.errors import FailureError, InputError
from stores.shared.files import read_json, read_json_list

MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
FLAGS = {  # of the first generation, in the order in which several are joined
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
NETWORKS = ("Transformer", "BERT", "RoBERTa", "DistilBERT", "ALBERT", "CamemBERT", "XLMRoBERTa")
LIMITS = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
ALWAYS = ("query", "document")  # names of prompts that every folder has, empty unless it says otherwise


@dataclass(frozen=True)
class SentenceFolder:
    """What such a folder says.

    Attributes:
        network: the folder of the network.
        files: what was read of it, as names below the folder.
        pooling: one or more of ``MODES``; None: the folder does not say.
        pooled_width: columns of the states that it pools; None: it does not say.
        include_prompt: whether the tokens of a prompt take part in the pooling.
        modules: what follows the pooling.
        max_tokens: its limit, special tokens included; None: it has none of its own.
        lower_case: whether letters are made small before the tokenizer sees them.
        prompts: texts that are put before a text, by name.
        default_prompt: name of the one that is used where none is asked for.
        dims: columns that are kept of the vectors; None: all.
    """

    network: Path
    files: tuple[str, ...] = ()
    pooling: tuple[str, ...] | None = None
    pooled_width: int | None = None
    include_prompt: bool = True
    modules: tuple[Module, ...] = ()
    max_tokens: int | None = None
    lower_case: bool = False
    prompts: dict[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    dims: int | None = None

    def prompt(self, wanted: str | None) -> str:
        """The text that is put before every text.

        Args:
            wanted: a name, or the prompt itself if it is no name and looks like none; None: the default.

        Raises:
            InputError: if it is a single word that names no prompt.
        """
        if wanted is None:
            return self.prompts[self.default_prompt] if self.default_prompt else ""
        if wanted in self.prompts or wanted in ALWAYS:
            return self.prompts.get(wanted, "")
        if wanted.isidentifier():
            named = ", ".join(sorted({*self.prompts, *ALWAYS}))
            raise InputError(
                f"`prompt={wanted!r}` is no name that the model has ({named}); a prompt of your own ends with a blank"
                f" or a mark, such as {wanted + ': '!r}"
            )
        return wanted

    def check_width(self, name: str, width: int, pooling: tuple[str, ...], dims: int | None) -> None:
        """``InputError`` if pooled vectors do not fit the modules, or have less than ``dims`` columns in the end.

        Args:
            name: of the encoder, for messages.
            width: columns of a hidden state.
            pooling: the modes that are joined.
            dims: columns that are kept.
        """
        if self.pooled_width not in (None, width):
            raise InputError(
                f"{self.network}: its states have {width} columns, and the pooling is for {self.pooled_width}; its"
                " files are of different models"
            )
        width *= len(pooling)
        for module in self.modules:
            if module.width not in (None, width):
                raise InputError(
                    f"{name}: the model's {module.name} takes {module.width} columns, and pooling {'+'.join(pooling)}"
                    f" gives {width}; leave out `pooling`"
                )
            width = module.makes or width
        if dims and dims > width:
            raise InputError(f"{name}: `dims={dims}`: the vectors have {width} columns; give fewer")


def read_sentence_folder(folder: Path) -> SentenceFolder:
    """What a model's folder says in ``modules.json`` and what that names.

    Raises:
        InputError: if it has a module that tk has not, or one that does not fit.
        FailureError: if a file is damaged, or names one outside the folder.
    """
    if not (folder / "modules.json").is_file():
        return _with_limits(SentenceFolder(folder), folder, "")
    found = SentenceFolder(folder, ("modules.json",))
    listed = read_json_list(folder / "modules.json")
    places = [(_kind(folder, entry), _inside(folder, entry)) for entry in listed]
    kinds = [kind for kind, _ in places]
    if len(kinds) < 2 or kinds[0] not in NETWORKS or kinds[1] != "Pooling":
        for kind in kinds:
            if kind not in (*NETWORKS, "Pooling", *MODULES):
                raise _unknown(folder, kind)
        raise InputError(f"{folder / 'modules.json'} lists {', '.join(kinds)}; tk runs Transformer, Pooling, and so on")
    found = replace(found, network=folder / places[0][1])
    found = _with_limits(found, folder, places[0][1])
    found = _with_pooling(found, folder, places[1][1])
    for kind, path in places[2:]:
        if kind not in MODULES:
            raise _unknown(folder, kind)
        module, files = MODULES[kind](folder, path)
        found = replace(found, files=(*found.files, *files), modules=(*found.modules, *([module] if module else [])))
    return _with_prompts(found, folder)


def _kind(folder: Path, entry: object) -> str:
    kind = entry.get("type") if isinstance(entry, dict) else None
    if not isinstance(kind, str):
        raise FailureError(f"{folder / 'modules.json'}: an entry has no type; get it again")
    return kind.rpartition(".")[2]


def _inside(folder: Path, entry: dict[str, Any]) -> str:
    """The path of a module, which must not leave the folder."""
    path = entry.get("path", "")
    outside = not isinstance(path, str) or "\\" in path or ".." in PurePosixPath(path).parts
    if outside or PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive:
        raise FailureError(f"{folder / 'modules.json'}: path {path!r} leaves the folder; get the model from its maker")
    return path


def _unknown(folder: Path, kind: str) -> InputError:
    if kind == "StaticEmbedding" and (folder / "config.json").is_file():
        if read_json(folder / "config.json").get("model_type", "model2vec") == "model2vec":
            return InputError(f"{folder} is a Model2Vec model; `encoder='static'` takes it as its `model`")
    known = ", ".join(("Transformer", "Pooling", *MODULES))
    return InputError(
        f"{folder / 'modules.json'} names the module {kind}, which tk has not (it has {known}); without it, the vectors"
        " would not be those of the model"
    )


def _read(found: SentenceFolder, folder: Path, *names: str) -> tuple[SentenceFolder, dict[str, Any]]:
    """The first of some files below the folder, which is noted; empty if there is none."""
    for name in names:
        if (folder / name).is_file():
            return replace(found, files=(*found.files, name)), read_json(folder / name)
    return found, {}


def _with_limits(found: SentenceFolder, folder: Path, path: str) -> SentenceFolder:
    found, about = _read(found, folder, *(below(path, name) for name in LIMITS))
    where = folder / (found.files[-1] if found.files else "")
    limit = about.get("max_seq_length")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise InputError(f"{where}: max_seq_length {limit!r} is no whole number above 0")
    modalities = about.get("modality_config") or {}
    text = (modalities.get("text") or {}) if isinstance(modalities, dict) else None
    output = text.get("method_output_name", "last_hidden_state") if isinstance(text, dict) else modalities
    for key, value, wanted in (
        ("transformer_task", about.get("transformer_task", "feature-extraction"), "feature-extraction"),
        ("method_output_name", output, "last_hidden_state"),
        ("module_output_name", about.get("module_output_name", "token_embeddings"), "token_embeddings"),
    ):
        if value != wanted:
            raise InputError(f"{where}: {key} {value!r} is not {wanted}; tk does not run such a model")
    return replace(found, max_tokens=limit, lower_case=_flag(about, "do_lower_case", False, where))


def _with_pooling(found: SentenceFolder, folder: Path, path: str) -> SentenceFolder:
    name = below(path, "config.json")
    if not (folder / name).is_file():
        raise InputError(f"{folder} has no {name}, which says how vectors are pooled; get it again")
    found, config = _read(found, folder, name)
    width = config.get("embedding_dimension", config.get("word_embedding_dimension"))
    if not isinstance(width, int) or width < 1:
        raise InputError(f"{folder / name} has no embedding_dimension (or word_embedding_dimension); it pools nothing")
    flags = [mode for flag, mode in FLAGS.items() if _flag(config, flag, False, folder / name)]
    modes = config.get("pooling_mode", flags or ["mean"])
    modes = [modes] if isinstance(modes, str) else modes
    if not isinstance(modes, list) or not modes or not all(mode in MODES for mode in modes):
        raise InputError(f"{folder / name}: pooling_mode {modes!r} is not made of {', '.join(MODES)}")
    include_prompt = _flag(config, "include_prompt", True, folder / name)
    return replace(found, pooling=tuple(modes), include_prompt=include_prompt, pooled_width=width)


def _flag(config: dict[str, Any], key: str, usual: bool, where: Path) -> bool:
    value = config.get(key, usual)
    if not isinstance(value, bool):
        raise InputError(f"{where}: {key} {value!r} is neither true nor false")
    return value


def _with_prompts(found: SentenceFolder, folder: Path) -> SentenceFolder:
    found, about = _read(found, folder, "config_sentence_transformers.json")
    where, prompts = folder / "config_sentence_transformers.json", about.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(text, str) for text in prompts.values()):
        raise InputError(f"{where}: prompts {prompts!r} are not names with texts")
    default, dims = about.get("default_prompt_name"), about.get("truncate_dim")
    if default is not None and str(default) not in prompts and default not in ALWAYS:
        raise InputError(f"{where}: default_prompt_name {default!r} is none of its prompts: {', '.join(prompts)}")
    if dims is not None and (not isinstance(dims, int) or dims < 1):
        raise InputError(f"{where}: truncate_dim {dims!r} is no whole number above 0")
    if about.get("model_type", "SentenceTransformer") != "SentenceTransformer":
        raise InputError(f"{where}: model_type {about['model_type']!r} is not SentenceTransformer; tk runs no other")
    return replace(found, prompts={name: "" for name in ALWAYS} | prompts, default_prompt=default, dims=dims)
