"""Every table of README.md, one script after the other, under the date and the processor: ``make bench``.

Usage: python benchmarks/all.py --data FOLDER [--model MINILM] [--glove glove.6B.50d.txt]
                                [--use use-multilingual-3] [--only jobs,scaling] [--list]

FOLDER holds spam.csv, emails.csv.gz and train.csv (disaster tweets), and for some tables aclImdb_subset.tar.gz and
predibase_train.5k.csv, at any depth. What a missing file or package is needed for is left out, and said at the end.
The whole takes more than an hour on 2 cores with nothing else to do. Scripts that compare with a rival run both by
turns in one process tree, so that a ratio is of one state of the machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from scaling import heading

HERE = Path(__file__).parent

# name -> script and arguments; {names} are files; packages that it cannot do without
TABLES = {
    "jobs": ("jobs.py --sms {spam.csv} --emails {emails.csv.gz}", "pandas"),
    "jobs-minilm": ("jobs.py --sms {spam.csv} --model {model} --only MiniLM", "pandas"),
    "jobs-glove": ("jobs.py --emails {emails.csv.gz} --glove {glove} --only glove", "pandas polars"),
    "profiles": ("jobs.py --sms {spam.csv} --emails {emails.csv.gz} --profile", ""),
    "commands": ("commands.py {spam.csv} {emails.csv.gz} {train.csv}", ""),
    "scaling": ("scaling.py", ""),
    "classify": ("classify.py", ""),
    "classify-store": ("classify.py --store 1000000", ""),
    "classify-dense": ("classify.py --dense --rows 4000", "keras"),
    "large": ("large.py --rows 10000000", ""),
    "reading": ("reading.py {spam.csv} {train.csv} {predibase_train.5k.csv} {emails.csv.gz}", "pandas"),
    "vectors": ("vectors.py", "pandas"),
    "bert": ("bert.py {model} --sms {spam.csv} --imdb {aclImdb_subset.tar.gz}", "torch sentence_transformers openvino"),
    "bert-large": ("bert_large.py {spam.csv}", ""),
    "long-texts": ("long_texts.py", ""),
    "elmo": ("elmo.py {spam.csv} --no-simple-elmo", ""),
    "elmo-memory": ("elmo.py --memory", ""),
    "use": ("use.py --model {use} --data {spam.csv} --rows 1500", ""),
    "stores": ("stores.py", ""),
    "engines": ("engines.py {spam.csv} --model {model}", "ray"),
    "stream": ("stream.py", ""),
    "library": ("library.py --table {spam.csv} --encoder transformer --model {model} --rows 500", "embetter"),
    "eta": ("eta.py --model {model} --data {emails.csv.gz} --max-tokens 128", ""),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("."))
    parser.add_argument("--model", type=Path, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--glove", type=Path, help="glove.6B.50d.txt")
    parser.add_argument("--use", type=Path, help="folder of a Universal Sentence Encoder")
    parser.add_argument("--only", help="names with commas between")
    parser.add_argument("--list", action="store_true", help="print the names and what would run")
    given = parser.parse_args()
    files = {path.name: path.resolve() for path in sorted(given.data.rglob("*")) if path.is_file()}
    files |= {name: path.resolve() for name in ("model", "glove", "use") if (path := getattr(given, name)) is not None}
    print(heading(), flush=True)
    left_out = []
    for name in given.only.split(",") if given.only else TABLES:
        line, packages = TABLES[name]
        missing = [word[1:-1] for word in line.split() if word[0] == "{" and word[1:-1] not in files]
        missing += [package for package in packages.split() if find_spec(package) is None]
        command = [str(files.get(word[1:-1], word)) if word[0] == "{" else word for word in line.split()]
        print(f"\n## {name}: python benchmarks/{line}", flush=True)
        if missing:
            left_out.append(f"{name} (needs {', '.join(missing)})")
        elif not given.list:
            begin = time.perf_counter()
            done = subprocess.run([sys.executable, str(HERE / command[0]), *command[1:]], cwd=HERE.parent)
            print(f"\n({time.perf_counter() - begin:.0f} s)", flush=True)
            if done.returncode:
                left_out.append(f"{name} (failed)")
    print(f"\nleft out: {'; '.join(left_out) or 'nothing'}")
    sys.exit(1 if any("failed" in entry for entry in left_out) else 0)


if __name__ == "__main__":
    main()
