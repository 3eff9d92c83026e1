"""Tables to be refused, and what comes of the advice in a refusal."""

import contextlib
import re
import shlex
import sqlite3
import zipfile

from click.testing import CliRunner

from cli import cli
from helpers.commands import ROWS

GOOD = "label,text\n" + "".join(f"{label},{text}\n" for label, text in ROWS)


def write(name, data):
    """A file of bytes or text; the folder around it is made."""

    def make(folder):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())

    return make


def link(folder):
    """A folder of texts that are links."""
    write("blobs/1", "WIN cash")(folder)
    write("texts/other/2.txt", "see you")(folder)
    (folder / "texts/spam").mkdir()
    (folder / "texts/spam/1.txt").symlink_to(folder / "blobs/1")
    (folder / "texts/other/2.txt").unlink()
    (folder / "texts/other/2.txt").symlink_to(folder / "blobs/1")


def pack(folder):
    """Two tables in one zip."""
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("one.csv", GOOD)
        archive.writestr("two.csv", GOOD)


def database(folder):
    """Two tables."""
    with contextlib.closing(sqlite3.connect(folder / "a.db")) as connection, connection:
        for name in ("one", "two"):
            connection.execute(f"create table {name} (label text, text text)")
            connection.executemany(f"insert into {name} values (?, ?)", ROWS)


def tk(line):
    """A command line, run; its exit code and what it said on stderr."""
    result = CliRunner().invoke(cli, shlex.split(line))
    return result.exit_code, result.stderr


def follow(command, advice, then):
    """The line in which a command is refused, and what ``tk`` gives for the command with the advice."""
    code, said = tk(command)
    last = said.splitlines()[-1]
    assert code == 2, said
    assert "`" not in last
    of_the_library = re.search(r"\b(overwrite|header|follow_links|reuse|encoding|bad_rows|out)=", last)
    assert not of_the_library, last
    return last, tk(then or f"{command} {advice}")
