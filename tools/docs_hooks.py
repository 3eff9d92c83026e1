"""What ``mkdocs build`` does besides: pages that lie elsewhere in the project, and links to files that are no pages."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ELSEWHERE = {  # page of the site -> file of the project
    "benchmarks.md": "benchmarks/README.md",
    "benchmark-tables.md": "benchmarks/tables.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere."""
    for page, source in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links between files of the project become links between pages; a file that is no page is only named."""
    here = Path(ELSEWHERE.get(page.file.src_uri, f"docs/{page.file.src_uri}")).parent
    pages = {source: name for name, source in ELSEWHERE.items()}

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        if re.match(r"\w+:", target):
            return match[0]
        file = Path(os.path.normpath(here / target)).as_posix()
        name = pages.get(file) or (file.removeprefix("docs/") if file.startswith("docs/") else "")
        if not name:
            return text if text.strip("`") == file else f"{text} (`{file}`)"
        start = Path(page.file.src_uri).parent
        return f"[{text}]({Path(os.path.relpath(name, start)).as_posix()}{anchor})"

    return LINK.sub(link, markdown)
