"""The program `migrate`: finds the command, and turns every outcome into an exit code.

`main` may be called once in a process. It always ends in SystemExit; a traceback is shown for bugs only.
"""

import errno
import gc
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from migrator import __version__
from migrator.cli import failure, redact, streams
from migrator.cli.group import LazyGroup
from migrator.cli.invocation import global_options
from migrator.errors import MigrateError

USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
"""As a shell reports a program that SIGPIPE ended."""

_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
"""What standard output may be: on a full disk, over a quota or limit, a terminal that is gone, closed."""

_MANY = 50_000
"""New objects between two looks for cycles: reading and planning make many objects and hardly a cycle."""

EPILOG = """\b
Typical order:
  migrate init                      once
  migrate new add_email_to_users    then write plain SQL into the file
  migrate plan                      see what would run, and why
  migrate apply                     run it; run it again to resume
  migrate contract VERSION          when the old application is gone

Configuration: migrate.toml or [tool.migrate] in pyproject.toml. Exit codes: migrate COMMAND --help.
"""


@click.group(
    cls=LazyGroup,
    params=global_options(),
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="migrate %(version)s")
def cli() -> None:
    """Plan and run PostgreSQL migrations on a busy database without stopping the application."""


def main() -> NoReturn:
    """Run the command line of this process."""
    gc.set_threshold(_MANY)
    streams.prepare()
    code = run(sys.argv[1:])
    streams.give_up_what_cannot_be_written()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    redact.forget()
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return _quiet_pipe()
    except MigrateError as error:
        failure.show(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        failure.say("interrupted", label="error", color="red")
        return INTERRUPTED
    except OSError as error:
        if error.filename is not None or error.errno not in _UNWRITABLE:
            failure.show_bug(error)
            return 1
        streams.silence(sys.stdout.fileno())
        failure.say(f"cannot write the output: {error.strerror}", label="error", color="red")
        return USAGE
    except Exception as error:  # noqa: BLE001  # the last resort: a bug still gets an exit code
        failure.show_bug(error)
        return 1
    return code


def _invoke(arguments: Sequence[str]) -> int:
    color = failure.use_color()
    try:
        code = cli.main(list(arguments), prog_name="migrate", standalone_mode=False, color=color)
    except click.ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # only newer click has it
            error.show()
            return USAGE
        failure.show_usage(error)
        return USAGE
    except SystemExit:  # how click ends when nobody reads its output any more
        return _quiet_pipe()
    return code if isinstance(code, int) else 0


def _quiet_pipe() -> int:
    """The reader has gone; keep the interpreter from complaining about it when it ends."""
    streams.silence(sys.stdout.fileno())
    return BROKEN_PIPE
