"""The distribution that holds this project: its version, its requirements, and the commands that install them.

The command is ``tk``, but the distribution is not: on the public registry ``tk`` is somebody else's project.
"""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

NAME = "tk-features"
SOURCES = Path(__file__).parents[2]  # the folder of pyproject.toml, where the project runs from its sources


def version() -> str:
    """The installed version; ``unknown`` where the project runs from its sources and was never installed."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(NAME)
    return "unknown"


def requirements() -> list[str]:
    """Its requirements, extras included, as in pyproject.toml; empty where it was never installed."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.requires(NAME) or []
    return []


def pip_install(package: str, extra: str = "") -> str:
    """The command that installs a requirement (of an extra) in the versions that this project takes."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    wanted = package
    for line in requirements():
        requirement = Requirement(line)
        named = canonicalize_name(requirement.name) == canonicalize_name(package)
        marker = requirement.marker
        in_extra = "extra ==" in str(marker)
        if named and in_extra == bool(extra) and (marker is None or marker.evaluate({"extra": extra})):
            extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
            wanted = f"{requirement.name}{extras}{requirement.specifier}"
    return f"python -m pip install {shlex.quote(wanted)}"


def reinstall_command() -> str:
    """The command that installs this project and all that it requires once more, from where it came (PEP 610)."""
    command = "python -m pip install --force-reinstall"
    try:
        origin = metadata.distribution(NAME).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return f"{command} {shlex.quote(str(SOURCES))}"
    if origin is None:  # from an index, by name
        return f"{command} {NAME}"
    source = json.loads(origin)
    if "vcs_info" in source:
        return f"{command} {shlex.quote(source['vcs_info']['vcs'] + '+' + source['url'])}"
    parts = urlsplit(source["url"])
    place = unquote(parts.path) if parts.scheme == "file" else source["url"]
    editable = " --editable" if source.get("dir_info", {}).get("editable") else ""
    return f"{command}{editable} {shlex.quote(place)}"
