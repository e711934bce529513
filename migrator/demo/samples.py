"""Where the sample migrations are: inside an installed package, or in `migrations/` of a checkout.

The first files, called `shop…`, are the shop's schema; the others are the changes that the demonstration
makes.
"""

from pathlib import Path

from migrator.errors import ConfigurationError


def folder() -> Path:
    """Return the folder of the sample migrations."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "_migrations", package.parent.parent / "migrations"):
        if sorted(candidate.glob("*_shop.sql")):
            return candidate
    raise ConfigurationError("the sample migrations are not part of this installation")


def history(files: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the files that make the shop's schema, and the later ones, each in their order."""
    every = sorted(files.glob("*.sql"))
    first = [file for file in every if name(file).startswith("shop")]
    return tuple(first), tuple(every[len(first) :])


def version(file: Path) -> str:
    """Return the version in a file's name."""
    return file.name.partition("_")[0]


def name(file: Path) -> str:
    """Return the name in a file's name, without its version."""
    return file.stem.partition("_")[2]


def needs_release(file: Path) -> bool:
    """Whether the application that ran before this file cannot go on after it: it must write a new column."""
    return file.stem.endswith("customer_email_normalised")
