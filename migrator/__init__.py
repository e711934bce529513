"""Plans and runs PostgreSQL migrations on a busy database without stopping the application.

    import migrator

    migrator.apply("postgresql://localhost/shop", "migrations")

`apply`, `reset` and `pending` are those of `migrator.api`, errors those of `migrator.errors`. The version
stands here and nowhere else; importing this package imports nothing more until one of them is asked for, so
that `migrate --version` is quick.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migrator.api import Result, apply, pending, reset

__all__ = ["Result", "__version__", "apply", "pending", "reset"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401  # of any of the names above
    """Import the functions when they are asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from migrator import api  # noqa: PLC0415  # loads sqlglot and psycopg

    found = getattr(api, name)
    globals()[name] = found
    return found
