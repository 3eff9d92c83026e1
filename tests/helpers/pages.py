"""The pages of the documentation: their code blocks, and the files that these speak of."""

from __future__ import annotations

import csv
import re
import shutil
import tarfile
import textwrap
import zipfile
from dataclasses import dataclass
from pathlib import Path

from helpers import ROOT

WRITTEN = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in WRITTEN}
GENERATED = {name for name in PAGES if name.startswith("docs/reference/")}
FENCE = re.compile(
    r"^(?P<before> *<!-- not run: (?P<reason>.+?) -->\n)?(?P<indent> *)```(?P<language>\w*)\n"
    r"(?P<code>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class CodeBlock:
    """A block between fences: its language and text, and why it is not run, if it is not."""

    language: str
    code: str
    reason: str | None

    @property
    def lines(self) -> list[str]:
        """Command lines, joined where a backslash ends them, without comments of their own."""
        joined = re.sub(r"\s*\\\n\s*", " ", self.code)
        return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def code_blocks(text: str) -> list[CodeBlock]:
    """The blocks of a page, in order."""
    return [CodeBlock(m["language"], textwrap.dedent(m["code"]), m["reason"]) for m in FENCE.finditer(text)]


def make_stand_ins(folder: Path, text: str, lookalike: object) -> None:
    """The files that a page speaks of, small ones, made only if it does."""
    for place in (folder, folder / "session"):
        shutil.copytree(ROOT / "examples", place / "examples")
    with open(folder / "examples/messages.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:200]
    reviews = [(row["text"], row["label"]) for row in rows]
    _write(folder / "reviews.csv", ["text", "label"], reviews)
    _write(folder / "new.csv", ["text"], [(text,) for text, _ in reviews[:20]])
    makers = {
        "reviews.tsv": _tsv, "part-*.parquet": _parquet, "aclImdb.tar.gz": _archive_of_texts,
        "models/minilm": lambda path, _: shutil.copytree(lookalike("bert"), path),
        "models/elmo": lambda path, _: shutil.copytree(lookalike("elmo"), path),
        "models/use": lambda path, _: shutil.copytree(lookalike("use4"), path),
        "vectors/glove.6B.zip": lambda path, _: _zip(path, lookalike("word_vectors")),
        "vectors/numberbatch-en.txt.gz": lambda path, _: shutil.copy(lookalike("numberbatch_vectors"), path),
    }  # fmt: skip
    for name, make in makers.items():
        if name in text:
            (folder / name).parent.mkdir(exist_ok=True)
            make(folder / name, reviews)


def _write(path: Path, header: list[str], rows: list[tuple], delimiter: str = ",") -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])


def _tsv(path: Path, reviews: list[tuple[str, str]]) -> None:
    stars = [(text, "135"[i % 3]) for i, (text, _) in enumerate(reviews)]
    _write(path, ["body", "stars"], stars, "\t")


def _parquet(path: Path, reviews: list[tuple[str, str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for number in range(2):
        texts, labels = zip(*reviews[number::2], strict=True)
        pq.write_table(pa.table({"text": texts, "label": labels}), path.with_name(f"part-{number}.parquet"))


def _archive_of_texts(path: Path, reviews: list[tuple[str, str]]) -> None:
    root = path.with_name("aclImdb")
    for number, (text, label) in enumerate(reviews):
        file = root / ("train", "test")[number % 2] / label / f"{number}_7.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    with tarfile.open(path, "w:gz") as archive:
        archive.add(root, "aclImdb")
    shutil.rmtree(root)


def _zip(path: Path, vectors: Path) -> None:
    width = len(vectors.read_text(encoding="utf-8").splitlines()[-1].split()) - 1
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(vectors, f"glove.6B.{width}d.txt")
