"""Files against the journal: what is pending, what goes on, and what stands in the way.

`reconcile` takes plain values, because what reads SQL text is not known here. It decides nothing about the
database; the caller raises the errors it returns.
"""

from collections.abc import Iterable, Sequence

import msgspec

from migrator.errors import ChecksumError, InputError, Location, OrderError
from migrator.execution.journal import SETTLED, Journal, MigrationRecord, MigrationState
from migrator.postgres.identifiers import QualifiedName

_RESOLVE = (
    "restore the statement, or record your decision: migrate resolve {version} --accept-checksum --reason …"
)

_RESET = "it has run as it was; make the database anew from the files: migrate reset"


class FileState(msgspec.Struct, frozen=True, kw_only=True):
    """A migration file as `reconcile` needs it."""

    version: str
    name: str
    file: str
    checksums: tuple[str, ...]
    """Of its statements, in their order."""
    places: tuple[Location, ...] = ()
    """Where each statement begins; for messages."""
    touches: frozenset[QualifiedName] | None = None
    """The relations it touches, once it has been planned; None when not known."""
    touches_everything: bool = False


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """Statements that have not begun were edited, added or removed: merge with `replan.merge`."""

    version: str
    begun: frozenset[int]
    """1-based indexes of the statements that have begun; they are as they were."""


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """What the files and the journal say together."""

    pending: tuple[str, ...] = ()
    """Versions to be planned, in the order of the files."""
    unfinished: tuple[str, ...] = ()
    """Versions that have begun; their plan stands in the journal."""
    edited: tuple[Edited, ...] = ()
    """Of the unfinished: those whose plan must be merged with a new one before the run."""
    outdated: tuple[str, ...] = ()
    """Applied versions whose file was edited since: accepted where the database is disposable."""
    missing: tuple[str, ...] = ()
    """Versions of the journal without a file, in the journal's order; no error for settled ones."""
    errors: tuple[InputError, ...] = ()


def reconcile(journal: Journal, files: Sequence[FileState], *, disposable: bool = False) -> Reconciliation:
    """Compare files (in their order) with the journal.

    Where the database is `disposable` an applied file may be edited, and so may a statement that the server
    refused.
    """
    known = {f.version for f in files}
    records = [(f, journal.get(f.version)) for f in files]
    begun = [(f, r) for f, r in records if r is not None and r.state not in SETTLED]
    changed = {f.version: _changes(f, r, disposable=disposable) for f, r in records if r is not None}
    return Reconciliation(
        pending=tuple(f.version for f, r in records if r is None),
        unfinished=tuple(f.version for f, _ in begun),
        edited=tuple(
            Edited(version=f.version, begun=_fixed(r, disposable=disposable))
            for f, r in begun
            if f.checksums != r.checksums and not changed[f.version]
        ),
        outdated=tuple(f.version for f, r in records if r is not None and disposable and _outdated(f, r)),
        missing=tuple(
            m.version
            for m in journal.migrations
            if m.version not in known and m.state is not MigrationState.ROLLED_BACK
        ),
        errors=tuple(problem for problems in changed.values() for problem in problems),
    )


def check_order(journal: Journal, pending: Iterable[FileState], ordered: Sequence[str]) -> list[InputError]:
    """Return an error for each pending file that shares relations with a settled one that comes after it.

    `ordered` are all versions in the order of their files; call it when `touches` of the pending files is
    known. A file that touches nothing a later one touched may still be applied. What was baselined, or
    resolved without a plan, has unknown relations and is taken to touch none: the order of a baseline is the
    user's own word.
    """
    place = {version: number for number, version in enumerate(ordered)}
    last = len(ordered)
    errors: list[InputError] = []
    for file in pending:
        later = [
            m
            for m in journal.migrations
            if m.state is MigrationState.APPLIED
            and place.get(m.version, last) > place.get(file.version, last)
        ]
        errors += [
            OrderError(
                f"{file.file} comes before {m.file}, which is applied, and both touch {shared}",
                at=file.places[0] if file.places else None,
            )
            for m in later
            if (shared := _shared(file, m)) is not None
        ]
    return errors


def _shared(file: FileState, record: MigrationRecord) -> str | None:
    if record.plan is None:
        return None
    if file.touches_everything or record.touches_everything:
        return "what cannot be known (a statement that was not understood)"
    common = sorted(str(name) for name in (file.touches or frozenset()) & record.touches)
    return ", ".join(common) or None


def _changes(file: FileState, record: MigrationRecord, *, disposable: bool) -> list[InputError]:
    """Return the error for statements that were edited after they had begun."""
    if record.state in SETTLED:
        accepted = disposable or file.checksums == record.checksums
        return [] if accepted else [_changed(file, record, _first_change(file, record), _RESOLVE)]
    gone = [i for i in sorted(_fixed(record, disposable=disposable)) if not _same(file, record, i)]
    return [_changed(file, record, gone[0], _RESET if disposable else _RESOLVE)] if gone else []


def _outdated(file: FileState, record: MigrationRecord) -> bool:
    return record.state in SETTLED and file.checksums != record.checksums


def _fixed(record: MigrationRecord, *, disposable: bool) -> frozenset[int]:
    """Return the statements that may not be edited any more."""
    return record.lasting_statements if disposable else record.begun_statements


def _same(file: FileState, record: MigrationRecord, index: int) -> bool:
    """Whether statement `index` (from 1) is the one the journal knows; removed ones are not."""
    both = index <= len(file.checksums) and index <= len(record.checksums)
    return both and file.checksums[index - 1] == record.checksums[index - 1]


def _first_change(file: FileState, record: MigrationRecord) -> int:
    longest = max(len(file.checksums), len(record.checksums))
    return next(i for i in range(1, longest + 1) if not _same(file, record, i))


def _changed(file: FileState, record: MigrationRecord, index: int, hint: str) -> ChecksumError:
    state = "was applied" if record.state in SETTLED else "has begun"
    at = file.places[index - 1] if index <= len(file.places) else None
    return ChecksumError(
        f"statement {index} of {file.file} was edited, added or removed after it {state}",
        at=at,
        hint=hint.format(version=file.version),
    )
