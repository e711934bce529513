"""Settings: migrate.toml or [tool.migrate] of pyproject.toml, the environment, and what a flag says.

A flag wins over the section of `--env NAME`, which wins over environment variables, then the file, then the
default. A section stands above the environment because naming it is a decision of that moment: `--env laptop`
must not run, with a laptop's carelessness, against the DATABASE_URL that happens to be set. An unknown key is
an error: a mistyped setting that is ignored would be a promise broken. Fails with ConfigurationError.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from migrator.configuration import policy_values, values
from migrator.configuration.approvals import read_approvals
from migrator.configuration.document import Document, KeyPath, read
from migrator.configuration.policy_values import ApprovalsIn, Misplaced, Weights
from migrator.errors import ConfigurationError
from migrator.plan.hazard import HazardKind
from migrator.policy import Ignore, Ignores, Policy

FILE = "migrate.toml"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A setting: where it stands in the file, and how it is read."""

    path: KeyPath
    field: str
    """Of `Configuration`."""
    read: Callable[[object], Any]

    @property
    def variable(self) -> str:
        """The environment variable of that setting."""
        return "MIGRATE_" + self.path[-1].upper()


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting of one invocation; defaults as in `Policy`."""

    directory: Path = Path("migrations")
    """Of the migration files; a relative one in a configuration file begins at that file."""
    database: str | None = None
    """As written: a URL, key=value, service=NAME, env:NAME or file:PATH; None: libpq's own variables."""
    database_source: str = "libpq"
    """Where `database` was found: flag, environment, file or libpq."""
    role: str | None = None
    """SET ROLE after connecting."""
    password_command: tuple[str, ...] | None = None
    """Run at every connect; its first line of output is the password."""
    postgres_version: int | None = None
    """The server's major version where no database can be asked."""
    disposable: bool = False
    small_table_rows: int = Policy().small_table_rows
    small_table_bytes: int = Policy().small_table_bytes
    lock_budget_ms: int = Policy().lock_budget_ms
    lock_deadline_s: float = Policy().lock_deadline_s
    long_deadline_s: float = Policy().long_deadline_s
    batch_target_ms: int = Policy().batch_target_ms
    batch_rows: int = Policy().batch_rows
    terminate_blockers_s: float = 0.0
    """0: never."""
    terminate_writers: bool = False
    mask_queries: bool = False
    workers: int = 1
    journal_schema: str = Policy().journal_schema
    require_reason: bool | tuple[HazardKind, ...] = Policy().require_reason
    severity: Weights = ()
    ignores: tuple[Ignore, ...] = ()
    approvals: ApprovalsIn = ApprovalsIn.DIRECTIVES
    environment: str | None = None
    """The section of [environments.NAME] that was used."""
    file: Path | None = None

    @property
    def policy(self) -> Policy:
        """The part that plans and runs depend on, but for the approvals file: see `policy_to_plan`."""
        return Policy(
            small_table_rows=self.small_table_rows,
            small_table_bytes=self.small_table_bytes,
            lock_budget_ms=self.lock_budget_ms,
            lock_deadline_s=self.lock_deadline_s,
            long_deadline_s=self.long_deadline_s,
            batch_target_ms=self.batch_target_ms,
            batch_rows=self.batch_rows,
            terminate_blockers_s=self.terminate_blockers_s or None,
            terminate_writers=self.terminate_writers,
            mask_queries=self.mask_queries,
            journal_schema=self.journal_schema,
            require_reason=self.require_reason,
            severity=self.severity,
            ignores=self._ignores,
            disposable=self.disposable,
        )

    @property
    def _ignores(self) -> Ignores:
        if not self.ignores or self.file is None:
            return Ignores()
        folder = self.file.absolute().parent.as_posix()
        return Ignores(rules=self.ignores, base=folder, here=Path.cwd().as_posix())

    def policy_to_plan(self) -> Policy:
        """Return the policy with the approvals file, where that approves; raises ApprovalsError."""
        if self.approvals is ApprovalsIn.DIRECTIVES:
            return self.policy
        return replace(self.policy, approvals=read_approvals(self.directory, self.policy))

    def conninfo(self, environ: Mapping[str, str] = os.environ) -> str:
        """Return what libpq takes: env:NAME and file:PATH are looked up now, and never shown."""
        kind, _, name = (self.database or "").partition(":")
        match kind:
            case "env":
                if not environ.get(name):
                    raise ConfigurationError(f"the environment variable {name} is not set, or empty")
                return environ[name]
            case "file":
                return _first_line(Path(name).expanduser())
            case _:
                return self.database or ""


KEYS: tuple[Key, ...] = (
    Key(path=("dir",), field="directory", read=lambda written: Path(values.text(written))),
    Key(path=("database",), field="database", read=values.text),
    Key(path=("role",), field="role", read=values.name),
    Key(path=("password_command",), field="password_command", read=values.command),
    Key(path=("postgres_version",), field="postgres_version", read=values.postgres_version),
    Key(path=("disposable",), field="disposable", read=values.flag),
    Key(path=("rewrite", "small_table_rows"), field="small_table_rows", read=values.count_or_zero),
    Key(path=("rewrite", "small_table_bytes"), field="small_table_bytes", read=values.size),
    Key(path=("run", "lock_budget"), field="lock_budget_ms", read=values.milliseconds),
    Key(path=("run", "lock_deadline"), field="lock_deadline_s", read=values.seconds),
    Key(path=("run", "long_deadline"), field="long_deadline_s", read=values.deadline),
    Key(path=("run", "batch_target"), field="batch_target_ms", read=values.milliseconds),
    Key(path=("run", "batch_rows"), field="batch_rows", read=values.count),
    Key(path=("run", "terminate_blockers"), field="terminate_blockers_s", read=values.seconds_or_off),
    Key(path=("run", "terminate_writers"), field="terminate_writers", read=values.flag),
    Key(path=("run", "mask_queries"), field="mask_queries", read=values.flag),
    Key(path=("run", "workers"), field="workers", read=values.count),
    Key(path=("run", "journal_schema"), field="journal_schema", read=values.name),
    Key(path=("policy", "require_reason"), field="require_reason", read=policy_values.reasons),
    Key(path=("policy", "severity"), field="severity", read=policy_values.weights),
    Key(path=("policy", "ignores"), field="ignores", read=policy_values.ignores),
    Key(path=("policy", "approvals"), field="approvals", read=policy_values.approvals),
)

_TABLES = ("severity", "ignores")
"""Settings that are tables, which no environment variable can hold."""

_SECRET = re.compile(r"://[^\s/@:]*:[^\s/@]+@|\bpassword\s*=", re.IGNORECASE)


def load(
    *,
    start: Path,
    file: Path | None = None,
    environment: str | None = None,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Configuration:
    """Return the settings for a command run in the folder `start`.

    `flags` are by field of `Configuration`; None in one of them means that it was not given.
    """
    chosen = file or (Path(environ["MIGRATE_CONFIG"]) if environ.get("MIGRATE_CONFIG") else find(start))
    document = Document() if chosen is None else read(chosen)
    environment = environment or environ.get("MIGRATE_ENV") or None
    from_file, section = _from_file(document, environment)
    from_environ = _from_environment(environ)
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    merged = {**from_file, **from_environ, **section, **given}
    origins = (("flag", given), ("file", section), ("environment", from_environ), ("file", from_file))
    source = next((origin for origin, found in origins if "database" in found), "libpq")
    return Configuration(**merged, database_source=source, environment=environment, file=chosen)


def find(start: Path) -> Path | None:
    """Return the file in `start`, or in the nearest folder above it, up to the repository's root."""
    for folder in (start, *start.parents):
        own, project = folder / FILE, folder / "pyproject.toml"
        in_project = project.is_file() and bool(read(project).values)
        if own.is_file() and in_project:
            raise ConfigurationError(f"both {own} and [tool.migrate] of {project} are there: keep one")
        if own.is_file() or in_project:
            return own if own.is_file() else project
        if (folder / ".git").exists():
            return None
    return None


def holds_password(conninfo: str) -> bool:
    """Whether a password stands in it; on a command line every user of the machine can read that."""
    return _SECRET.search(conninfo) is not None


def _from_file(document: Document, environment: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the file says, and what its section for the environment says."""
    top = {name: value for name, value in document.values.items() if name != "environments"}
    sections = document.values.get("environments", {})
    if not isinstance(sections, dict) or not all(isinstance(value, dict) for value in sections.values()):
        raise document.error("expected sections such as [environments.production]", ("environments",))
    read_sections = {
        name: _read_table(document, values_of, ("environments", name)) for name, values_of in sections.items()
    }
    if environment is not None and environment not in read_sections:
        known = ", ".join(read_sections) or "none"
        raise ConfigurationError(f"there is no [environments.{environment}]; there are: {known}")
    return _read_table(document, top, ()), read_sections.get(environment or "", {})


def _read_table(document: Document, table: dict[str, Any], base: KeyPath) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = {key.path: key for key in KEYS}
    for path, value in _leaves(table, ()):
        key = known.get(path)
        if key is None:
            raise document.error(f"unknown key {'.'.join(path)!r}", (*base, *path), hint=_suggestion(path))
        found[key.field] = _read_key(document, key, value, (*base, *path))
    if "directory" in found and document.path is not None:
        found["directory"] = _from_here(document.path.parent / found["directory"])
    return found


def _from_here(path: Path) -> Path:
    """Return the path as seen from the working directory where it is below it: plans name files by it."""
    here, whole = Path.cwd(), path.absolute()
    return whole.relative_to(here) if whole.is_relative_to(here) else path


def _read_key(document: Document, key: Key, value: object, place: KeyPath) -> Any:  # noqa: ANN401  # any setting's type
    try:
        return key.read(value)
    except Misplaced as error:
        raise document.error(str(error), (*place, *error.within)) from None
    except ValueError as error:
        raise document.error(str(error), place) from None


def _leaves(table: dict[str, Any], base: KeyPath) -> list[tuple[KeyPath, Any]]:
    """Return the settings of a table and those in it; `severity` is a setting that is a table."""
    groups = {key.path[0] for key in KEYS if len(key.path) > 1}
    found: list[tuple[KeyPath, Any]] = []
    for name, value in table.items():
        inner = not base and name in groups and isinstance(value, dict)
        found.extend(_leaves(value, (name,)) if inner else [((*base, name), value)])
    return found


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if environ.get("DATABASE_URL"):
        found["database"] = environ["DATABASE_URL"]
    for key in KEYS:
        if key.path[-1] in _TABLES or not environ.get(key.variable):
            continue
        try:
            found[key.field] = key.read(environ[key.variable])
        except ValueError as error:
            raise ConfigurationError(f"{key.variable}: {error}") from None
    return found


def _suggestion(path: KeyPath) -> str | None:
    names = {key.path[-1]: ".".join(key.path) for key in KEYS}
    close = difflib.get_close_matches(path[-1], names, n=1)
    return f"did you mean {names[close[0]]!r}?" if close else None


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip().splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no line of text"
        raise ConfigurationError(f"cannot read the database's address from {path}: {reason}") from None
