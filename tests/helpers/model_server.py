"""Models of a few bytes, and a web server on this machine that gives them; an empty cache folder."""

import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

USE4 = "https://tfhub.dev/google/universal-sentence-encoder/4"
MODEL = {"saved_model.pb": b"graph", "variables/variables.index": b"i", "variables/variables.data-00000-of-00001": b"w"}


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("TK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def downloads_from(monkeypatch):
    """A function that sets where the files of handles are found: handle -> URL."""

    def set_to(download_url):
        for module in ("embed.models.handles", "embed.models.resolve"):
            monkeypatch.setattr(f"{module}.download_url", download_url)

    return set_to


@pytest.fixture
def no_network(downloads_from):
    """Every download goes to a port on which nobody listens."""
    downloads_from(lambda handle: "http://127.0.0.1:9/")


@pytest.fixture
def model_server(monkeypatch):
    """A web server on this machine: ``served`` maps a path to what it gives, ``asked`` lists what was asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            body = self.server.served.get(self.path)
            self.send_response(self.server.code if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"") + self.server.missing))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args):
            pass

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.served, server.asked, server.missing, server.code = {}, [], 0, 404
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def tar_bytes(files, change=lambda member: None):
    """A .tar.gz of name -> bytes, as TF-Hub serves it (names begin with ./), members changed before they are added."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            change(member)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def write_model(folder, files=MODEL):
    """The files in a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def files_below(folder):
    """Name -> bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
