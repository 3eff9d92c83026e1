"""Models by their names on the Hugging Face hub -> folders in its cache on this machine, shared with other programs.

``owner/name`` is the revision that the name meant when it was first used on this machine, ``owner/name@main`` the
newest one, ``owner/name@REVISION`` a branch, tag or commit. A recipe keeps the commit. Only files that tk reads are
fetched: safetensors, configurations, tokenizers and, where it is asked for, one ONNX graph; never pickles, never code.

The library ``huggingface_hub`` does the work, and heeds its own variables: ``HF_HOME``, ``HF_TOKEN``, ``HF_ENDPOINT``,
``HF_HUB_OFFLINE``. It is not imported for what has been fetched before: a record in tk's cache folder says where it is.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from embed.models.cache import alone, cache_folder, write_json
from embed.models.trust import Trust, check_source
from stores.shared.distribution import pip_install
from stores.shared.errors import FailureError, InputError
from stores.shared.reporter import Reporter

_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/[\w.-]+)(?:@([\w./-]+))?")
FILES = (
    "*.json", "vocab.txt", "merges.txt", "*.model", "model.safetensors", "model-*-of-*.safetensors",
    "*/model.safetensors", "*/vocab.txt", "*/merges.txt", "*/*.model",
)  # fmt: skip
HTTP = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3", "h11")  # packages of its errors
NEVER = ("onnx/*", "openvino/*", ".*", "*/.*", "*.py", "*.bin", "*.h5", "*.msgpack", "*.ot", "*.pkl")


@dataclass(frozen=True)
class HubModel:
    """A name on the hub.

    Attributes:
        name: ``owner/name``.
        revision: branch, tag or commit; None: the one of the first use.
    """

    name: str
    revision: str | None

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}" if self.revision else self.name


def hub_model(model: str) -> HubModel | None:
    """The name on the hub that ``model`` is; None if it does not look like one."""
    found = _NAME.fullmatch(model)
    return HubModel(found[1], found[2]) if found and ".." not in model else None


def fetch_model(
    model: HubModel, reporter: Reporter, onnx: str | None = None, trust: Trust = Trust.USER
) -> tuple[Path, str]:
    """The folder of a model in the hub's cache, and the commit that it is of; fetched if it is not there.

    Args:
        model: the name.
        reporter: told what the user should know meanwhile.
        onnx: an ONNX graph of the repository, such as ``onnx/model.onnx``, that is needed instead of the weights.
        trust: who named the model.

    Raises:
        InputError: if the hub has no such model or revision, or does not give it to this user; or a run or store
            names it, and it was not fetched before.
        FailureError: if it cannot be reached, or the download breaks off.
    """
    record = _record(model, onnx)
    if (found := _remembered(record)) and model.revision != "main":
        return found
    check_source(str(model), f"https://huggingface.co/{model.name}", trust)
    with alone(record.with_suffix(""), reporter):
        if (found := _remembered(record)) and model.revision != "main":
            return found
        folder = _download(model, reporter, onnx)
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        content = {"model": model.name, "commit": folder.name, "folder": str(folder), "files": names}
        write_json(record, content)
        write_json(_record(HubModel(model.name, folder.name), onnx), content)
        return folder, folder.name


def fetched(model: HubModel) -> Path | None:
    """The folder of a model that was used here, or None; nobody is asked."""
    found = _remembered(_record(model, None))
    return found[0] if found else None


def fetched_models() -> Iterator[dict]:
    """Models of the hub that were used here: ``model`` with its commit, ``path``, ``bytes`` and ``fault`` (None)."""
    seen = set()
    for record in sorted((cache_folder() / "hub").glob("*.json")):
        found = _remembered(record)
        if found and found[0] not in seen:
            seen.add(found[0])
            size = sum(path.stat().st_size for path in found[0].rglob("*") if path.is_file())
            name = json.loads(record.read_text(encoding="utf-8"))["model"]
            yield {"model": f"{name}@{found[1]}", "path": str(found[0]), "bytes": size, "fault": None}


def _record(model: HubModel, onnx: str | None) -> Path:
    """Where it is noted which folder a name means."""
    shown = "--".join(filter(None, (str(model), onnx))).replace("/", "--")
    return cache_folder() / "hub" / f"{shown}.json"


def _remembered(record: Path) -> tuple[Path, str] | None:
    """Folder and commit of a record all of whose files are still there."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(record.read_text(encoding="utf-8"))
        folder = Path(found["folder"])
        if found["files"] and all((folder / name).is_file() for name in found["files"]):
            return folder, str(found["commit"])
    return None


def _download(model: HubModel, reporter: Reporter, onnx: str | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.utils import disable_progress_bars
    except ImportError as error:
        raise FailureError(f"names on the Hugging Face hub need a library: {pip_install('huggingface_hub')}") from error
    if not sys.stderr.isatty():
        disable_progress_bars()
    files, never = [*FILES], [*NEVER]
    if onnx:
        files = [name for name in FILES if "safetensors" not in name] + [onnx, f"{onnx}_data", f"{onnx}.data"]
        never.remove("onnx/*")
    with _explained(model):
        reporter.note(f"{model}: asking the Hugging Face hub; files that are not in its cache are downloaded")
        path = snapshot_download(model.name, revision=model.revision, allow_patterns=files, ignore_patterns=never)
    folder = Path(path)
    if onnx and not (folder / onnx).is_file():
        raise InputError(f"{model} on the Hugging Face hub has no {onnx}; its page lists the graphs that there are")
    if not onnx and not any(folder.rglob("*.safetensors")):
        raise InputError(
            f"{model} on the Hugging Face hub has no weights in safetensors; tk opens no pickles (pytorch_model.bin)."
            " Convert them where you trust them, and give the folder"
        )
    return folder


@contextmanager
def _explained(model: HubModel) -> Iterator[None]:
    """What the library raises becomes one line that says what to do."""
    from huggingface_hub import errors

    try:
        yield
    except (FailureError, InputError):
        raise
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise _unreachable(model, error) from error
    except errors.HFValidationError as error:
        raise InputError(f"{model}: no such folder, and no name that the Hugging Face hub could have") from error
    except errors.HfHubHTTPError as error:
        raise _refused(model, error) from error
    except OSError as error:
        if not error.errno:
            raise _broken_off(model, error) from error
        raise FailureError(  # of the machine: a full disk, a folder that must not be written
            f"{model} cannot be written to {error.filename or 'the cache'}: {error.strerror}; name another folder in"
            " the variable HF_HOME"
        ) from error
    except Exception as error:  # the HTTP library's own types, which change with it
        if type(error).__module__.partition(".")[0] not in HTTP:
            raise
        raise _broken_off(model, error) from error


def _refused(model: HubModel, error: Exception) -> Exception:
    """The error for an answer of the hub that is not what was asked for."""
    from huggingface_hub import errors

    code = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):
        return InputError(
            f"{model} is gated: accept its terms on its page at the Hugging Face hub, and set the variable HF_TOKEN to"
            " a token of yours (or run: hf auth login)"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return InputError(
            f"{model.name} on the Hugging Face hub has no revision {model.revision}; leave it out, or give one that its"
            " page lists"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return InputError(
            f"{model}: there is no such folder here, and no such model on the Hugging Face hub for this user; check the"
            " spelling, or set the variable HF_TOKEN to a token of yours if it is private"
        )
    if code in (401, 403):
        return InputError(
            f"{model}: the Hugging Face hub refuses it to this user ({code}); set the variable HF_TOKEN to a token of"
            " yours that may read it (or run: hf auth login)"
        )
    return FailureError(
        f"{model}: the Hugging Face hub answered {code or 'with an error'}; give the same command again later, it goes"
        " on where it stopped"
    )


def _unreachable(model: HubModel, error: Exception) -> Exception:
    """The error where the hub was not reached, or must not be asked, and nothing is cached."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    if getattr(cause, "response", None) is not None:  # it was reached, and refused
        return _refused(model, cause)
    offline = type(cause).__name__ == "OfflineModeIsEnabled" or os.environ.get("HF_HUB_OFFLINE")
    why = "HF_HUB_OFFLINE forbids to download it" if offline else "the Hugging Face hub cannot be reached"
    revision = f" --revision {model.revision}" if model.revision else ""
    short = model.name.rpartition("/")[2]
    return FailureError(
        f"{model} is no folder here and not in the cache, and {why}; where there is a network, run: hf download"
        f" {model.name}{revision} --local-dir {short}; then give the folder {short} as `model` here"
    )


def _broken_off(model: HubModel, error: Exception) -> FailureError:
    why = str(error).partition("\n")[0] or type(error).__name__
    return FailureError(
        f"{model}: the download broke off ({why}); give the same command again, it goes on where it stopped"
    )
