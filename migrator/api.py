"""Migrations from a Python program: `migrator.apply(url, dir)`, `migrator.reset(…)`, `migrator.pending(…)`.

They do what the commands of the same name do, print nothing and ask nothing. Settings come from the
arguments alone, unless a configuration file is named. Every failure is a `migrator.errors.MigrateError` with
`exit_code` and `hint`; the journal then has everything that was done, and the same call goes on from there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from migrator import configuration, history, workflow
from migrator.configuration import Configuration
from migrator.execution.events import Event, Silent
from migrator.execution.journal import MigrationState
from migrator.execution.options import Outcome, RunOptions, RunResult
from migrator.workflow.connecting import connector
from migrator.workflow.provenance import provenance

if TYPE_CHECKING:
    from migrator.plan.plan import Plan

Watch = Callable[[Event], None]
"""Called with each event of a run (`migrator.execution.events`); it has to be quick and must not raise."""

Folder = str | os.PathLike[str]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did and what it left."""

    outcomes: tuple[Outcome, ...]
    """Of each migration that the run looked at, in its order."""
    notes: tuple[str, ...] = ()
    """Where a disposable database differs from what its files would make."""

    @property
    def applied(self) -> tuple[str, ...]:
        """Versions of which this run did something, and nothing is left."""
        return tuple(o.version for o in self.outcomes if o.state is MigrationState.APPLIED)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Versions whose contract phase waits for `migrate contract`."""
        return tuple(o.version for o in self.outcomes if o.waiting)

    @property
    def blocked(self) -> tuple[str, ...]:
        """Versions that have not begun because an unfinished one touches the same relations."""
        return tuple(o.version for o in self.outcomes if o.blocked_by is not None)

    @property
    def steps(self) -> int:
        """How many steps were run."""
        return sum(o.steps_run for o in self.outcomes)


def apply(  # noqa: PLR0913  # the options of the command
    url: str | None = None,
    dir: Folder | None = None,  # noqa: A002  # as the option is called
    *,
    config: Folder | None = None,
    env: str | None = None,
    disposable: bool | None = None,
    all_phases: bool = False,
    to: str | None = None,
    wait: float = 600.0,
    watch: Watch | None = None,
) -> Result:
    """Run what is pending in the database at `url`, and resume what has begun.

    `dir` is the folder of the migration files, by default `migrations`. `config` names a migrate.toml or
    pyproject.toml and `env` one of its environments; `url`, `dir` and `disposable` win over them. Begins no
    file after version `to`; waits `wait` seconds for another runner. Raises the errors of `migrate apply`.
    """
    settings = _settings(url, dir, config, env, disposable=disposable)
    migrations, policy = history.read_history(settings.directory), settings.policy_to_plan()
    options = _options(settings, all_phases=all_phases, to=to, wait=wait)
    connect, observer = connector(settings), _Watching(watch)
    _, agenda = workflow.look(connect, migrations, policy, options, observer)
    result = workflow.apply(connect, migrations, policy, options, observer, agenda=agenda)
    return _result(result, agenda.notes)


def reset(  # noqa: PLR0913  # the options of the command
    url: str | None = None,
    dir: Folder | None = None,  # noqa: A002  # as the option is called
    *,
    config: Folder | None = None,
    env: str | None = None,
    disposable: bool | None = None,
    adopt: str | None = None,
    to: str | None = None,
    wait: float = 600.0,
    watch: Watch | None = None,
) -> Result:
    """Drop everything in a disposable database and run all files again; nobody is asked.

    Needs `disposable=True`, or an environment that says so, and a database that was begun that way, or its
    name as `adopt`. The other arguments are those of `apply`. Raises the errors of `migrate reset`.
    """
    settings = _settings(url, dir, config, env, disposable=disposable)
    migrations, policy = history.read_history(settings.directory), settings.policy_to_plan()
    connect = connector(settings)
    workflow.check_reset(workflow.observe(connect, policy), policy, adopt)
    options = _options(settings, all_phases=True, to=to, wait=wait)
    adopted = adopt is not None
    return _result(workflow.reset(connect, migrations, policy, options, _Watching(watch), adopted=adopted))


def pending(
    url: str | None = None,
    dir: Folder | None = None,  # noqa: A002  # as the option is called
    *,
    config: Folder | None = None,
    env: str | None = None,
    disposable: bool | None = None,
) -> Plan:
    """Return the plan of what the database at `url` lacks; changes nothing, and takes no lock.

    `plan.hazards` are its hazards, of which those that `block` keep `apply` from beginning; `plan.steps` is
    what would run. Raises the errors of `migrate plan`.
    """
    settings = _settings(url, dir, config, env, disposable=disposable)
    migrations, policy = history.read_history(settings.directory), settings.policy_to_plan()
    observation = workflow.observe(connector(settings), policy)
    return workflow.prepare(migrations, observation, policy).plan


class _Watching(Silent):
    """Hands every event to a function."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch

    def event(self, event: Event) -> None:
        if self._watch is not None:
            self._watch(event)


def _settings(
    url: str | None, folder: Folder | None, config: Folder | None, env: str | None, *, disposable: bool | None
) -> Configuration:
    flags = {"database": url, "directory": None if folder is None else Path(folder)}
    if config is None and env is None:
        given = {name: value for name, value in flags.items() if value is not None}
        settings = Configuration(**given)  # type: ignore[arg-type]  # each value is of its field
    else:
        file = None if config is None else Path(config)
        settings = configuration.load(start=Path.cwd(), file=file, environment=env, flags=flags)
    return settings if disposable is None else replace(settings, disposable=disposable)


def _options(settings: Configuration, *, all_phases: bool, to: str | None, wait: float) -> RunOptions:
    return RunOptions(
        provenance=provenance(),
        all_phases=all_phases or settings.disposable,
        to_version=to,
        wait_s=wait,
    )


def _result(result: RunResult, notes: tuple[str, ...] = ()) -> Result:
    return Result(outcomes=result.outcomes, notes=notes)
