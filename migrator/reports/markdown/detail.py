"""How much of a plan a report tells: less and less, until it fits into a comment."""

import msgspec


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """What is told."""

    sql: bool = True
    """The SQL of the steps."""
    differences: bool = True
    """What is written beside what runs."""
    steps: int = 100_000
    """Rows of all tables of steps together."""
    items: int = 1_000
    """Rows of any other list."""
    width: int = 400
    """Characters of a message."""
    left_out: tuple[str, ...] = ()
    """What is not told, in words."""


_SQL = "the SQL of the steps"
_DIFFERENCES = "the differences between what is written and what runs"


def _short(steps: int, items: int, width: int) -> Detail:
    words = (_SQL, _DIFFERENCES, f"steps after the first {steps:,}" if steps else "the steps")
    return Detail(sql=False, differences=False, steps=steps, items=items, width=width, left_out=words)


LEVELS = (
    Detail(),
    Detail(sql=False, left_out=(_SQL,)),
    Detail(sql=False, differences=False, left_out=(_SQL, _DIFFERENCES)),
    _short(400, 200, 400),
    _short(200, 100, 300),
    _short(100, 50, 300),
    _short(50, 30, 200),
    _short(20, 15, 120),
    _short(0, 8, 80),
    _short(0, 3, 40),
)
