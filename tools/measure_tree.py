"""Measures the tree of modules: files, lines, import arrows and floors.

    python -m tools.measure_tree [--write] [COMMIT ...]

Prints a Markdown table with a column for each commit and one for the files as they are; ``--write`` puts it into
CONTRIBUTING.md. A *floor* of a module is the
longest chain of imports below it inside its package; an *arrow* is one module that imports another one; both count
imports for types and inside functions, too, since a reader follows these as well.
"""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools.update_readme import ROOT, replace

PACKAGES = ("commands", "embed", "classify", "stores")


def main() -> None:
    write, commits = "--write" in sys.argv, [each for each in sys.argv[1:] if each != "--write"]
    columns = {commit: measure(at_commit(commit)) for commit in commits} | {"now": measure(as_they_are())}
    rows = [row([name, *(column[name] for column in columns.values())]) for name in columns["now"]]
    table = "\n".join([row(["", *columns]), row(["---"] * (len(columns) + 1)), *rows]) + "\n"
    if write:
        page = ROOT / "CONTRIBUTING.md"
        page.write_text(replace(page.read_text(encoding="utf-8"), "tree", table), encoding="utf-8")
    else:
        print(table, end="")


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def as_they_are() -> dict[str, str]:
    """Path -> text of every module of the project."""
    paths = [*ROOT.glob("*.py"), *(path for top in PACKAGES for path in (ROOT / top).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def at_commit(commit: str) -> dict[str, str]:
    """The same at a commit."""
    names = git("ls-tree", "-r", "--name-only", commit).splitlines()
    wanted = [n for n in names if n.endswith(".py") and (n.count("/") == 0 or n.split("/")[0] in PACKAGES)]
    return {name: git("show", f"{commit}:{name}") for name in wanted}


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def measure(files: dict[str, str]) -> dict[str, str]:
    """What the table says of these files."""
    modules = {
        name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): text for name, text in files.items()
    }
    texts = {name: text for name, text in modules.items() if text.strip()}
    lines = {name: len(text.splitlines()) for name, text in texts.items()}
    largest = max(lines, key=lambda name: lines[name])
    arrows = {name: set(imported(name, modules)) for name in modules}
    code = [line for text in texts.values() for line in text.splitlines() if line.strip()]
    found = {
        "files": f"{len(lines)}",
        "lines that are not blank": f"{len(code):,}",
        "comments on lines of their own": f"{sum(line.lstrip().startswith('#') for line in code):,}",
        "median file": f"{statistics.median(lines.values()):.0f} lines",
        "largest file": f"{lines[largest]} lines (`{largest}`)",
        "files at the root": f"{sum('/' not in name for name in files)}",
        "files in the fullest folder": fullest(files),
        "arrows": f"{sum(map(len, arrows.values())):,}",
    }
    for top in ("embed", "classify", "stores"):
        inside = {
            name: {o for o in arrows[name] if o.split(".")[0] == top} for name in arrows if name.split(".")[0] == top
        }
        found[f"floors of `{top}`"] = f"{floors(inside)}"
    return found


def fullest(files: dict[str, str]) -> str:
    folders = [str(Path(name).parent) for name in files if not name.endswith("__init__.py")]
    top = max(set(folders), key=lambda folder: (folders.count(folder), folder))
    return f"{folders.count(top)} (`{top}`)"


def imported(name: str, modules: dict[str, str]) -> Iterator[str]:
    """The modules of the project that a module imports."""
    for node in ast.walk(ast.parse(modules[name])):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules and alias.name != name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                other = whole if whole in modules else node.module
                if other in modules and other != name:
                    yield other


def floors(arrows: dict[str, set[str]]) -> int:
    """Modules of the longest chain of imports; each member of a cycle counts once."""

    @cache
    def height(name: str, above: frozenset[str] = frozenset()) -> int:
        below = [height(other, above | {name}) for other in arrows[name] if other not in above]
        return 1 + max(below, default=0)

    sys.setrecursionlimit(10_000)
    return max(map(height, arrows))


if __name__ == "__main__":
    main()
