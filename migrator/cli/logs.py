"""structlog for this process: events to standard error, JSON where nobody reads along, never a secret."""

import logging
import os
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from migrator.cli.invocation import Invocation
from migrator.cli.redact import known_secrets, redact

_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)


def as_json(invocation: Invocation) -> bool:
    """Whether events are written as JSON."""
    return invocation.log_format == "json" or (invocation.log_format is None and not sys.stderr.isatty())


def logger(invocation: Invocation) -> structlog.typing.FilteringBoundLogger:
    """Configure structlog as the global options say, and return the logger of the program."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            _in_order,
            _renderer(invocation),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level(invocation)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    found: structlog.typing.FilteringBoundLogger = structlog.get_logger("migrator")
    return found


def level(invocation: Invocation) -> int:
    """INFO, moved by each -v and -q."""
    position = _LEVELS.index(logging.INFO) + invocation.verbosity
    return _LEVELS[max(0, min(position, len(_LEVELS) - 1))]


def _renderer(invocation: Invocation) -> Processor:
    if as_json(invocation):
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0)


def _in_order(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001  # structlog's signature
    """When, how bad and what come first; people read JSON too."""
    first = ("timestamp", "level", "event")
    return {**{name: event[name] for name in first if name in event}, **event}


def _without_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001  # structlog's signature
    secrets = known_secrets(os.environ, sys.argv[1:])
    return {
        name: redact(value, secrets) if isinstance(value, str) else value for name, value in event.items()
    }
