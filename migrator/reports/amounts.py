"""Times and sizes as people read them."""

_KILO = 1024

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
    """Return `812 bytes`, `16 kB`, `1.2 MB`: powers of 1024, as the server writes them."""
    if value < _KILO:
        return f"{value:,} bytes"
    number = float(value)
    for unit in ("kB", "MB"):
        number /= _KILO
        if number < _KILO:
            return f"{number:.3g} {unit}" if number < 1_000 else f"{number:.0f} {unit}"  # noqa: PLR2004  # digits
    return f"{number / _KILO:,.3g} GB"
