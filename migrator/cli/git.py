"""Which files a branch adds, as git tells; used where no journal can be asked."""

import subprocess
from pathlib import Path

from migrator.errors import UsageError

DEFAULTS = ("origin/main", "origin/master", "main", "master")
"""Tried in this order where --base is not given."""


def new_files(directory: Path, base: str | None) -> tuple[Path, ...]:
    """Return the .sql files in `directory` that the merge base of `base` and HEAD lacks, committed or not."""
    start = merge_base(directory, base)
    added = _lines(
        directory, "diff", "--name-only", "--no-renames", "--diff-filter=A", "--relative", start, "--", "."
    )
    untracked = _lines(directory, "ls-files", "--others", "--exclude-standard", "--", ".")
    names = sorted({name for name in (*added, *untracked) if name.endswith(".sql") and "/" not in name})
    return tuple(directory / name for name in names if (directory / name).exists())


def user_email(directory: Path) -> str | None:
    """Return the address that git writes into commits made there; None where it has none."""
    try:
        return _git(directory, "config", "user.email") or None
    except UsageError:
        return None


def merge_base(directory: Path, base: str | None) -> str:
    """Return the commit where this branch left `base`; a clear error where there is none."""
    if _git(directory, "rev-parse", "--git-dir") is None:
        raise UsageError(
            f"{directory} is not in a git repository, so the new files are not known",
            hint="name the files (migrate plan FILE…), or give a database (--database URL)",
        )
    for reference in (base,) if base else DEFAULTS:
        found = _git(directory, "merge-base", reference, "HEAD")
        if found:
            return found
    if base:
        raise UsageError(
            f"git knows no common ancestor of {base!r} and HEAD",
            hint="a shallow clone? git fetch --unshallow",
        )
    raise UsageError(
        f"none of {', '.join(DEFAULTS)} is there to compare with",
        hint="say what the branch will be merged into: --base REF",
    )


def _lines(directory: Path, *arguments: str) -> list[str]:
    # -z would be needed for names with a newline in them; quotePath=off leaves all others as they are.
    return (_git(directory, *arguments) or "").splitlines()


def _git(directory: Path, *arguments: str) -> str | None:
    """Return what git prints, or None where it fails."""
    command = ["git", "-C", str(directory), "-c", "core.quotePath=off", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # no shell
    except OSError as error:
        raise UsageError(
            "git is needed to find new files without a database, and it is not installed"
        ) from error
    return done.stdout.strip() if done.returncode == 0 else None
