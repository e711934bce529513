"""structlog for this process: events to standard error, JSON where nobody reads along, never a secret."""

import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from migrator.cli.invocation import Invocation
from migrator.cli.output import json_text, one_line
from migrator.cli.redact import known_secrets, redact

if TYPE_CHECKING:  # loaded where there is something to write: it takes a tenth of a second
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)


def as_json(invocation: Invocation) -> bool:
    """Whether events are written as JSON."""
    return invocation.log_format == "json" or (invocation.log_format is None and not sys.stderr.isatty())


class Log:
    """The program's logger, made when the first event is written that the global options let through."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._level = level(invocation)
        self._logger: FilteringBoundLogger | None = None
        self._writing = False
        self._late: list[tuple[int, str, dict[str, Any]]] = []
        """What has not been written yet: also what a signal handler has said while something was."""

    def debug(self, event: str, **fields: Any) -> None:  # noqa: ANN401  # whatever the event has
        """Write what only a search for a fault needs."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:  # noqa: ANN401  # as above
        """Write what happens."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:  # noqa: ANN401  # as above
        """Write what somebody should look at."""
        self._write(logging.WARNING, event, fields)

    def _write(self, importance: int, event: str, fields: dict[str, Any]) -> None:
        """Write it; a signal handler that comes in between leaves what it says to whom it interrupted."""
        if importance < self._level:
            return
        self._late.append((importance, event, fields))
        while self._late and not self._writing:  # again: a handler may come as the last one has been written
            self._writing = True
            try:
                self._drain()
            finally:
                self._writing = False

    def _drain(self) -> None:
        made = self._logger = self._logger or logger(self._invocation)
        while self._late:
            number, name, more = self._late.pop(0)
            made.log(number, name, **more)


class Lines:
    """Writes each line with one call and takes no lock: a signal handler would wait for it for ever."""

    def msg(self, line: str) -> None:
        """Write to standard error as it is now."""
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    log = debug = info = warning = error = critical = msg


def logger(invocation: Invocation) -> "FilteringBoundLogger":
    """Configure structlog as the global options say, and return the logger of the program."""
    import structlog  # late: see above

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            _in_order,
            _renderer(invocation),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level(invocation)),
        logger_factory=Lines,
        cache_logger_on_first_use=False,
    )
    found: FilteringBoundLogger = structlog.get_logger()
    return found


def level(invocation: Invocation) -> int:
    """INFO, moved by each -v and -q."""
    position = _LEVELS.index(logging.INFO) + invocation.verbosity
    return _LEVELS[max(0, min(position, len(_LEVELS) - 1))]


def _renderer(invocation: Invocation) -> "Processor":
    import structlog

    if as_json(invocation):
        return _json_line
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    console = structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0)

    def render(logger: "WrappedLogger", method: str, event: "EventDict") -> str:
        return console(
            logger, method, {k: one_line(v) if isinstance(v, str) else v for k, v in event.items()}
        )

    return render


def _json_line(logger: "WrappedLogger", method: str, event: "EventDict") -> str:  # noqa: ARG001  # as below
    """One line, whatever the fields hold and whatever standard error is encoded in."""
    return json_text(json.dumps(event, ensure_ascii=False, default=str), encoding=sys.stderr.encoding)


def _in_order(logger: "WrappedLogger", method: str, event: "EventDict") -> "EventDict":  # noqa: ARG001  # structlog's signature
    """When, how bad and what come first; people read JSON too."""
    first = ("timestamp", "level", "event")
    return {**{name: event[name] for name in first if name in event}, **event}


def _without_secrets(logger: "WrappedLogger", method: str, event: "EventDict") -> "EventDict":  # noqa: ARG001  # structlog's signature
    secrets = known_secrets(os.environ, sys.argv[1:])
    return {name: _clean(value, secrets) for name, value in event.items()}


def _clean(value: object, secrets: tuple[str, ...]) -> object:
    """Return a field without secrets, those within it too."""
    match value:
        case str():
            return redact(value, secrets)
        case list() | tuple():
            return [_clean(each, secrets) for each in value]
        case dict():
            return {key: _clean(each, secrets) for key, each in value.items()}
        case _:
            return value
