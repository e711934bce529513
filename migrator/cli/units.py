"""Durations, counts and rates as people read and write them."""

import re

import click

from migrator.configuration.durations import parse_duration

_PRECISE = 10.0
"""Seconds below which fractions are shown."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """`30s`, `10min`, `1h30m`; a bare number is seconds."""

    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        if isinstance(value, (int, float)):
            return float(value)
        seconds = float(value) if _NUMBER.fullmatch(value.strip()) else parse_duration(value)
        if seconds is None:
            self.fail(f"{value!r} is not a duration such as 30s, 10min or 1h30m", param, ctx)
        return seconds


def duration(seconds: float | None) -> str:
    """Return `0.42 s`, `37 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds is None:
        return "unknown"
    if seconds < _PRECISE:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    for size, name, smaller, small_name in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {small_name}" if rest else "")
    return f"{whole} s"


def count(number: float | None) -> str:
    """Return 1234567 as `1,234,567`."""
    return "unknown" if number is None else f"{round(number):,}"


def rate(rows_per_second: float | None) -> str:
    """Return `12,345 rows/s`."""
    return "" if rows_per_second is None else f"{count(rows_per_second)} rows/s"
