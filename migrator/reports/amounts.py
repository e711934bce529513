"""Times and sizes as people read them."""

_KIB = 1024

_SECOND_MS, _MINUTE_MS = 1_000, 60_000


def milliseconds(value: float) -> str:
    """Return `0.42 ms`, `38 ms`, `1.25 s`, `3 min 20 s`."""
    if value >= _MINUTE_MS * 2:
        minutes, rest = divmod(round(value / _SECOND_MS), 60)
        return f"{minutes:,} min {rest} s"
    if value >= _SECOND_MS:
        return f"{value / _SECOND_MS:.3g} s" if value < 100 * _SECOND_MS else f"{value / _SECOND_MS:.0f} s"
    return f"{value:.3g} ms" if value < 100 else f"{value:.0f} ms"  # noqa: PLR2004  # three digits either way


def seconds(value: float) -> str:
    """Return a time that is given in seconds."""
    return milliseconds(value * _SECOND_MS)


def size(value: int) -> str:
    """Return `812 B`, `16 KiB`, `1.2 MiB`."""
    number = float(value)
    for unit in ("B", "KiB", "MiB"):
        if number < _KIB:
            return f"{number:.3g} {unit}" if unit != "B" else f"{value:,} B"
        number /= _KIB
    return f"{number:,.3g} GiB"
