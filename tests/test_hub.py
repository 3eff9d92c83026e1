"""Names on the Hugging Face hub; a server on this machine plays the hub, and the library huggingface_hub asks it."""

import functools
import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest
from helpers import ROOT, bert_models

from embed.models.handles import handle_of
from embed.models.hugging_face import hub_model

pytestmark = pytest.mark.slow

COMMIT, NEWER = "a" * 40, "b" * 40


class Hub(BaseHTTPRequestHandler):
    """The parts of the hub's interface that downloads need: information, the tree of a revision, files."""

    protocol_version = "HTTP/1.1"

    def __init__(self, state, *args):
        self.state = state
        super().__init__(*args)

    def log_message(self, *args):
        """Nothing on stderr."""

    def do_HEAD(self):
        """As GET, without the content."""
        self.do_GET()

    def do_GET(self):
        """One request."""
        path = unquote(urlsplit(self.path).path).strip("/")
        self.state["asked"].append(f"{self.command} {path}")
        if self.state["code"] != 200:
            return self.answer(self.state["code"], b"{}", **self.state["headers"])
        parts = path.removeprefix("api/models/").split("/")
        name, rest = "/".join(parts[:2]), parts[2:]
        if name != "maker/tiny":
            return self.answer(404, b"{}", **{"X-Error-Code": "RepoNotFound"})
        revision = rest[1] if len(rest) > 1 else "main"
        commit = {"main": self.state["main"], COMMIT: COMMIT, NEWER: NEWER}.get(revision)
        if commit is None:
            return self.answer(404, b"{}", **{"X-Error-Code": "RevisionNotFound"})
        files = self.state["files"]
        if path.startswith("api/"):
            if rest and rest[0] == "tree":
                listed = [
                    {"type": "file", "path": f, "size": len(c), "oid": hashlib.sha1(c).hexdigest()}
                    for f, c in files.items()
                ]
                return self.answer(200, json.dumps(listed).encode())
            about = {"id": name, "modelId": name, "sha": commit, "siblings": [{"rfilename": file} for file in files]}
            return self.answer(200, json.dumps(about).encode())
        file = "/".join(rest[2:])
        content = files.get(file)
        if content is None:
            return self.answer(404, b"{}", **{"X-Error-Code": "EntryNotFound"})
        tag = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": commit}
        self.answer(200, content, cut=self.state["cut"] if file.endswith(".safetensors") else None, **tag)

    def answer(self, code, content, cut=None, **headers):
        """A response; with ``cut``, the connection ends after so many bytes."""
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content if cut is None else content[:cut])
        if cut is not None and self.command != "HEAD":
            self.close_connection = True


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A server with the model ``maker/tiny``; its state can be changed while it runs."""
    folder = bert_models.sentence_transformers(tmp_path / "source", "mean")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    files |= {"pytorch_model.bin": b"a pickle", "run_me.py": b"raise SystemExit", "onnx/model.onnx": b"a graph"}
    state = {"asked": [], "code": 200, "headers": {}, "main": COMMIT, "files": files, "cut": None}
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Hub, state))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state["url"] = f"http://127.0.0.1:{server.server_port}"
    state["environment"] = {
        "HF_ENDPOINT": state["url"], "HF_HOME": str(tmp_path / "hf"), "TK_CACHE_DIR": str(tmp_path / "tk"),
        "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip
    yield state
    server.shutdown()
    server.server_close()


PROGRAM = """
import json, sys
from embed import Recipe
from stores import FailureError, InputError
try:
    recipe = Recipe.of("transformer", model=sys.argv[1])
    print(json.dumps([recipe.options, recipe.identity(), len(recipe.encode(["ok"]))]))
    print("huggingface_hub.file_download" in sys.modules)
except (InputError, FailureError) as error:
    print(type(error).__name__, error)
"""


def run(hub, model, **environment):
    """What a process of its own makes of a model: the library reads its variables when it is imported."""
    variables = {**os.environ, **hub["environment"], **environment}
    command = [sys.executable, "-c", PROGRAM, model]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=variables)  # of this source
    assert not done.returncode, done.stderr
    return done.stdout.splitlines()


def fetched(hub):
    """Names of the files that were downloaded."""
    return {line.partition("/resolve/")[2].partition("/")[2] for line in hub["asked"] if "/resolve/" in line}


def test_a_model_by_its_name(hub):
    """Only files that are read are fetched; the recipe keeps the commit; the second time, nobody asks anybody."""
    first, imported = run(hub, "maker/tiny")
    options, _, rows = json.loads(first)

    assert (options, rows, imported) == ({"model": f"maker/tiny@{COMMIT}"}, 1, "True")
    assert fetched(hub) == {name for name in hub["files"] if not name.endswith((".py", ".bin", ".onnx"))}
    hub["asked"].clear()
    hub["main"] = NEWER
    assert run(hub, "maker/tiny") == [first, "False"]
    assert run(hub, f"maker/tiny@{COMMIT}") == [first, "False"]
    assert hub["asked"] == []
    newest, _ = run(hub, "maker/tiny@main")
    assert json.loads(newest)[0] == {"model": f"maker/tiny@{NEWER}"}


def test_offline(hub):
    """A cached model works; another one says how to bring it here."""
    expected = run(hub, "maker/tiny")[0]
    assert run(hub, "maker/tiny@main", HF_HUB_OFFLINE="1")[0] == expected
    (line,) = run(hub, "maker/other", HF_HUB_OFFLINE="1")

    assert line.startswith(
        "FailureError maker/other is no folder here and not in the cache, and HF_HUB_OFFLINE forbids to download it;"
    )
    assert "run: hf download maker/other --local-dir other; then give the folder other as `model` here" in line


@pytest.mark.parametrize(
    ("model", "changes", "expected"),
    [
        ("maker/other", {}, "InputError maker/other: there is no such folder here, and no such model on the Hugging"),
        ("maker/tiny@v9", {}, "InputError maker/tiny on the Hugging Face hub has no revision v9"),
        (
            "maker/tiny", {"code": 401, "headers": {"X-Error-Code": "GatedRepo"}},
            "InputError maker/tiny is gated: accept its terms",
        ),
        ("maker/tiny", {"code": 403}, "InputError maker/tiny: the Hugging Face hub refuses it to this user (403)"),
        ("maker/tiny", {"code": 500}, "FailureError maker/tiny: the Hugging Face hub answered 500; give the same"),
    ],
)  # fmt: skip
def test_what_the_hub_may_answer(hub, model, changes, expected):
    """Each answer says what to do."""
    hub.update(changes)
    (line,) = run(hub, model)

    assert line.startswith(expected)


def test_no_network(hub):
    """Nobody listens at the address."""
    (line,) = run(hub, "maker/tiny", HF_ENDPOINT="http://127.0.0.1:9")

    assert line.startswith(
        "FailureError maker/tiny is no folder here and not in the cache, and the Hugging Face hub cannot be reached;"
    )


def test_a_download_that_breaks_off(hub):
    """It is said, and the same command completes it."""
    hub["cut"] = 1000
    (line,) = run(hub, "maker/tiny")
    assert line.startswith("FailureError maker/tiny: the download broke off")
    hub["cut"] = None

    assert json.loads(run(hub, "maker/tiny")[0])[2] == 1


def test_a_model_of_pickles_alone(hub):
    """They are not opened, and not even fetched."""
    hub["files"] = {name: content for name, content in hub["files"].items() if not name.endswith(".safetensors")}
    (line,) = run(hub, "maker/tiny")

    assert line.startswith("InputError maker/tiny on the Hugging Face hub has no weights in safetensors; tk opens no")
    assert "pytorch_model.bin" not in fetched(hub)


def test_names():
    """What is a name on the hub, and what one on TF-Hub."""
    assert str(hub_model("intfloat/multilingual-e5-small@v1.0")) == "intfloat/multilingual-e5-small@v1.0"
    assert hub_model("sentence-transformers/all-MiniLM-L6-v2").revision is None
    assert [hub_model(model) for model in ("./folder/x", "../x", "a/b/c", "plain", "a/..")] == [None] * 5
    assert handle_of("google/elmo/3") == "https://tfhub.dev/google/elmo/3"
    assert handle_of("sentence-transformers/all-MiniLM-L6-v2") is None


def test_models_to_begin_with():
    """``tk encoders`` lists them with licence, size, languages, columns, tokens and cost; some are not English."""
    from click.testing import CliRunner

    from cli import cli
    from embed.encoders import encoder_class
    from embed.models.recommended import RECOMMENDED, seconds_per_thousand

    shown = CliRunner().invoke(cli, ["encoders"], catch_exceptions=False).output
    for model in RECOMMENDED:
        assert hub_model(model.model)
        assert model.encoder in ("static", "transformer")
        assert encoder_class(model.encoder).name == model.encoder
        assert f"{model.model}: " in shown
        assert f"{model.languages}, {model.columns} columns, {model.tokens:,} tokens" in shown
    assert {model.encoder for model in RECOMMENDED if model.languages != "English"} == {"static", "transformer"}
    by_name = {model.model.partition("/")[2]: model for model in RECOMMENDED}
    assert by_name["multilingual-e5-small"].prompt == "query: "
    # 1,000 texts of 30 tokens, 10.6 million products each, at 0.7 of 100 billion a second
    assert seconds_per_thousand(by_name["all-MiniLM-L6-v2"], 1e11) == pytest.approx(30e3 * 10.6e6 / 0.7e11)
