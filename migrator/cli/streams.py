"""The standard streams of this process, connected to whatever: nothing, a full disk, a gone terminal.

A stream that was closed by whoever started the program is opened on the null device: otherwise the next file
or connection would get its number, and a message could go there. A stream that cannot be written does not
make the interpreter end with a code and a complaint of its own (120, "Exception ignored in …").
"""

import contextlib
import io
import os
import sys

_STREAMS = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_WRONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def prepare() -> None:
    """Make the streams fit to be used; once, before anything is opened."""
    for number, (name, flags, mode) in enumerate(_STREAMS):
        if not _is_open(number):
            os.open(os.devnull, flags)  # the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  # lives as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def give_up_what_cannot_be_written() -> None:
    """Write what is buffered; where that is impossible forget it, so that the interpreter ends in silence."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            silence(number)


def silence(number: int) -> None:
    """Let the stream of that number go nowhere from now on."""
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
