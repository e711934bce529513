"""Paths as a repository knows them, for reports that a forge shows beside its files."""

from pathlib import Path

MARK = ".git"
"""A folder in a repository's root, a file in that of a worktree or submodule."""


def path_in_repository(path: Path, root: Path | None) -> str | None:
    """Return the path from `root`, with slashes; None where the file is not below it.

    Without `root` it is the nearest folder above the file that holds `.git`, else the working directory.
    Links are followed only where the path as it is written does not lead there.
    """
    absolute = Path.cwd() / path
    top = Path.cwd() / root if root is not None else _root_of(absolute) or Path.cwd()
    for below, above in ((_plain(absolute), _plain(top)), (absolute.resolve(), top.resolve())):
        if below.is_relative_to(above):
            return below.relative_to(above).as_posix()
    return None


def _root_of(path: Path) -> Path | None:
    for start in (_plain(path), path.resolve()):
        found = next((folder for folder in start.parents if (folder / MARK).exists()), None)
        if found is not None:
            return found
    return None


def _plain(path: Path) -> Path:
    """Return the path without `..`, as its words have it."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1] if len(parts) > 1 else parts
        else:
            parts.append(part)
    return Path(*parts)
