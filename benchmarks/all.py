"""Every table of measurements, one script after the other, under the date and the processor: ``make bench``.

Usage: python benchmarks/all.py --data FOLDER [--model MINILM] [--glove glove.6B.50d.txt] [--use use-multilingual-3]
                                [--only jobs,scaling] [--out tables.md] [--list]

FOLDER holds spam.csv, emails.csv.gz and train.csv (disaster tweets), and for some tables aclImdb_subset.tar.gz,
predibase_train.5k.csv and bert_base_uncased_vocab.txt, at any depth. What a missing file or package is needed for is
left out, and said at the end. The whole takes more than an hour on 2 cores with nothing else to do. Scripts that
compare with a rival run both by turns in one process tree, so that a ratio is of one state of the machine.
``--out`` writes what they print, as Markdown, and keeps the sections of that file that were not asked for.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from scaling import heading

HERE = Path(__file__).parent

# name -> script and arguments; {names} are files; packages that it cannot do without
TABLES = {
    "jobs": ("jobs.py --sms {spam.csv} --emails {emails.csv.gz}", "pandas"),
    "jobs-glove": ("jobs.py --emails {emails.csv.gz} --glove {glove} --only glove", "pandas polars"),
    "jobs-minilm": ("jobs.py --sms {spam.csv} --model {model} --graphs {graphs} --only MiniLM",
                    "pandas onnx onnxruntime sentence_transformers"),
    "jobs-made-up": ("jobs.py --rows 100000", ""),
    "profiles": ("jobs.py --sms {spam.csv} --emails {emails.csv.gz} --profile", ""),
    "commands": ("commands.py {spam.csv} {emails.csv.gz} {train.csv}", ""),
    "scaling": ("scaling.py", ""),
    "classify": ("classify.py", ""),
    "classify-store": ("classify.py --store 1000000", ""),
    "classify-dense": ("classify.py --dense --rows 4000", "keras"),
    "networks": ("-m benchmarks.networks --table {spam.csv} --rows 2000 --rounds 1", "keras"),
    "large": ("large.py --rows 10000000", ""),
    "reading": ("reading.py {spam.csv} {train.csv} {predibase_train.5k.csv} {emails.csv.gz}", "pandas"),
    "tokenise": ("tokenise.py {bert_base_uncased_vocab.txt} {spam.csv} {train.csv}", ""),
    "vectors": ("vectors.py --without gensim", "pandas"),
    "bert-sms": ("bert.py {model} --sms {spam.csv} --graphs {graphs}", "torch sentence_transformers openvino"),
    "bert-reviews": ("bert.py {model} --imdb {aclImdb_subset.tar.gz} --reviews 100 --graphs {graphs}",
                     "torch sentence_transformers openvino"),
    "bert-large": ("bert_large.py {spam.csv}", ""),
    "long-texts": ("long_texts.py", ""),
    "elmo": ("elmo.py {spam.csv} --no-simple-elmo", ""),
    "elmo-memory": ("elmo.py --memory", ""),
    "use": ("use.py --model {use} --data {spam.csv} --rows 1500", ""),
    "stores": ("stores.py", ""),
    "engines": ("engines.py {spam.csv} --model {model} --one-core", "ray"),
    "stream": ("stream.py", ""),
    "library": ("-m benchmarks.library --table {spam.csv} --encoder transformer --model {model} --rows 500",
                "embetter"),
    "eta": ("-m benchmarks.eta --model {model} --data {emails.csv.gz} --max-tokens 128", ""),
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("."))
    parser.add_argument("--model", type=Path, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--glove", type=Path, help="glove.6B.50d.txt")
    parser.add_argument("--use", type=Path, help="folder of a Universal Sentence Encoder")
    parser.add_argument("--only", help="names with commas between")
    parser.add_argument("--out", type=Path, help="Markdown file that keeps what is printed")
    parser.add_argument("--list", action="store_true", help="print the names and what would run")
    given = parser.parse_args()
    files = {path.name: path.resolve() for path in sorted(given.data.rglob("*")) if path.is_file()}
    files |= {name: path.resolve() for name in ("model", "glove", "use") if (path := getattr(given, name)) is not None}
    printed = sections(given.out)
    left_out = []
    with tempfile.TemporaryDirectory() as graphs:
        files["graphs"] = Path(graphs)
        for name in given.only.split(",") if given.only else TABLES:
            line, packages = TABLES[name]
            missing = [word[1:-1] for word in line.split() if word[0] == "{" and word[1:-1] not in files]
            missing += [package for package in packages.split() if find_spec(package) is None]
            print(f"\n## {name}: {shown(line)}\n", flush=True)
            if missing:
                left_out.append(f"{name} (needs {', '.join(missing)})")
            elif not given.list:
                printed[name], failed = measured(line, files)
                left_out += [f"{name} (failed)"] if failed else []
                write(given.out, printed)
    print(f"\nleft out: {'; '.join(left_out) or 'nothing'}")
    sys.exit(1 if any("failed" in entry for entry in left_out) else 0)


def measured(line, files):
    """What a script prints, as Markdown, which is printed on the way; and whether it failed."""
    command = [str(files.get(word[1:-1], word)) if word[0] == "{" else word for word in line.split()]
    if command[0] != "-m":
        command[0] = str(HERE / command[0])
    begin, lines = time.perf_counter(), []
    with subprocess.Popen([sys.executable, *command], cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as process:
        for text in process.stdout:
            print(text, end="", flush=True)
            lines.append(text)
    body = "".join(lines).removeprefix(heading()).strip()
    if "| --- |" not in body:
        body = f"```\n{body}\n```"
    seconds = time.perf_counter() - begin
    return f"`{shown(line)}`; {heading()}; {seconds:.0f} s\n\n{body}\n", bool(process.returncode)


def shown(line):
    """The command as a person would type it."""
    words = line.replace("{", "").replace("}", "").replace("graphs graphs", "graphs FOLDER")
    return f"python {words}" if line.startswith("-m") else f"python benchmarks/{words}"


def sections(path):
    """Name -> text of the sections that the file has."""
    if path is None or not path.is_file():
        return {}
    _, *found = path.read_text().split("\n## ")
    return dict(section.split("\n\n", 1) for section in found)


def write(path, printed):
    """The sections in the order of ``TABLES``."""
    if path is None:
        return
    head = "# Tables of the benchmarks\n\nWhat `make bench` printed; [README.md](README.md) says what it means.\n"
    found = [f"## {name}\n\n{printed[name].strip()}\n" for name in TABLES if name in printed]
    path.write_text("\n".join([head, *found]))


if __name__ == "__main__":
    main()
