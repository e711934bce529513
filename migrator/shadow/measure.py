"""A plan carried out by the real runner on a scratch database, and what each of its steps did there.

Every transaction of every step is traced, with its locks, scans, rewrites and index builds; what runs outside
a transaction is watched from other sessions (`watch`). What belongs to the runner, its journal, its look for
drift, its settings, is nobody's effect. Scratch databases only: the tracing keeps locks a little longer.
"""

from collections.abc import Iterable, Sequence

import msgspec

from migrator.database.session import Connector
from migrator.errors import MigrateError
from migrator.execution.events import Event, Observer, Silent, StepFinished, StepStarted
from migrator.execution.options import Provenance, RunOptions
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.plan import Plan
from migrator.plan.proof import LockSpan, Measurement
from migrator.plan.step import Autocommit, BuildIndex, DetachPartition, DropIndex, Phase, Step
from migrator.policy import Policy
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.runner import run
from migrator.shadow.compare import step_differences
from migrator.shadow.record import Held, Key, Piece, Timeline
from migrator.shadow.tracer import Recorder
from migrator.shadow.tracing import TracingConnector
from migrator.shadow.watcher import Watcher


def measure_plan(  # each is a choice of its own
    connector: Connector,
    plan: Plan,
    policy: Policy,
    *,
    contract: bool,
    light: bool = False,
    observer: Observer | None = None,
    options: RunOptions | None = None,
) -> tuple[Measurement, ...]:
    """Carry out the plan on the scratch database of `connector`; return what each step did, in their order.

    With `contract` that phase runs too, as a run of its own. `light` only notes locks and times, with the
    least delay, and compares nothing. Where a step fails it is the last one returned, with the error.
    Raises what `runner.run` raises where no step was at fault.
    """
    watcher = Watcher(connector=connector, journal_schema=policy.journal_schema)
    recorder = Recorder(journal_schema=policy.journal_schema, light=light, watcher=watcher)
    following = _Following(recorder, observer or Silent())
    tracing = TracingConnector(
        conninfo=connector.conninfo,
        role=connector.role,
        application_name=connector.application_name,
        recorder=recorder,
    )
    asked = options or RunOptions(provenance=Provenance(tool_version=plan.tool_version), wait_s=0)
    try:
        _run(tracing, plan, policy, following, asked, contract=contract)
    finally:
        watcher.close()
    done: list[Measurement] = []
    for step in following.steps:
        done.append(_measured(step, recorder, following, after=end_of(done)))
    return tuple(done)


def _run(
    connector: Connector,
    plan: Plan,
    policy: Policy,
    following: "_Following",
    options: RunOptions,
    *,
    contract: bool,
) -> None:
    versions = frozenset(migration.version for migration in plan.migrations)
    runs = [options]
    if contract and any(step.phase is Phase.CONTRACT for step in plan.steps):
        runs.append(msgspec.structs.replace(options, contract=versions))
    try:
        for each in runs:
            run(connector, plan, policy, each, following)
    except MigrateError as error:
        if following.running is None:
            raise
        following.error = error
    following.ended()


class _Following:
    """Tells the recorder whose a transaction is, as the runner says which step begins."""

    def __init__(self, recorder: Recorder, observer: Observer) -> None:
        self._recorder = recorder
        self._observer = observer
        self.steps: list[Step] = []
        self.running: Step | None = None
        self.error: MigrateError | None = None
        """Of the step that still runs."""

    def event(self, event: Event) -> None:
        """Note a beginning and an end; others may listen too."""
        if isinstance(event, StepStarted):
            self._started(event.step)
        elif isinstance(event, StepFinished):
            self.ended()
            self.running = None
        self._observer.event(event)

    def ended(self) -> None:
        """Nothing runs that belongs to a step."""
        self._recorder.collect()
        self._recorder.key = None

    def _started(self, step: Step) -> None:
        recorder = self._recorder
        recorder.collect()
        recorder.key = (step.migration, step.id)
        recorder.texts = frozenset(text.encode() for text in outside_transactions(step))
        if recorder.watcher is not None:
            recorder.watcher.tables = _tables(step)
            if recorder.light:
                recorder.relations = recorder.watcher.relations()
        self.running = step
        self.steps += [] if step in self.steps else [step]


def outside_transactions(step: Step) -> tuple[str, ...]:
    """Return the statements of a step that the executing session runs outside a transaction."""
    match step.work:
        case Autocommit(sql=text) | BuildIndex(sql=text) | DropIndex(sql=text) | RebuildIndexes(sql=text):
            return (text,)
        case DetachPartition(sql=text, finalize_sql=finalize):
            return (text, finalize)
        case _:
            return ()


def _tables(step: Step) -> tuple[QualifiedName, ...]:
    named = [lock.relation for lock in step.effect.locks]
    table = getattr(step.work, "table", None)
    return tuple(dict.fromkeys([*named, *([] if table is None else [table])]))


def end_of(done: Sequence[Measurement]) -> float:
    """Return when the last of them ended."""
    return done[-1].began_s + done[-1].seconds if done else 0.0


def _measured(step: Step, recorder: Recorder, following: _Following, *, after: float) -> Measurement:
    key: Key = (step.migration, step.id)
    pieces = [piece for piece in recorder.pieces if piece.key == key]
    error = following.error.message if following.running is step and following.error else None
    done = measurement(key, step.title, pieces, recorder.timeline, after=after)
    if recorder.light or error is not None:
        return msgspec.structs.replace(done, error=error)
    found = [piece.measured for piece in pieces if piece.measured is not None]
    first = min((recorder.pieces.index(piece) for piece in pieces), default=0)
    new = {name for piece in recorder.pieces[:first] if piece.measured for name in piece.measured.made}
    return msgspec.structs.replace(
        done, differences=(*step_differences(step, found, new), *recorder.blind_spots(key))
    )


def measurement(
    key: Key, title: str, pieces: Sequence[Piece], timeline: Timeline, *, after: float
) -> Measurement:
    """Return what these transactions and statements did, with nothing compared yet.

    Those that only read, under ACCESS SHARE, are left out where others did more. Without any of them nothing
    was done, right `after` what came before.
    """
    weak = LockMode.ACCESS_SHARE
    pieces = [piece for piece in pieces if any(h.mode is not weak for h in piece.held)] or pieces
    began = min((timeline.at(piece.began) for piece in pieces), default=after)
    ended = max((timeline.at(piece.ended) for piece in pieces), default=after)
    done = [piece.measured for piece in pieces if piece.measured is not None]
    held = [each for piece in pieces for each in piece.held]
    return Measurement(
        migration=key[0],
        id=key[1],
        title=title,
        began_s=began,
        seconds=ended - began,
        locks=_spans((each for each in held if not each.other), timeline),
        other_locks=_spans((each for each in held if each.other), timeline),
        scans=_names(one.scans for one in done),
        rewrites=_names(one.rewrites for one in done),
        index_builds=_names(one.index_builds for one in done),
        wal_bytes=sum(piece.wal_bytes for piece in pieces),
        transactions=len(pieces),
    )


def _spans(held: Iterable[Held], timeline: Timeline) -> tuple[LockSpan, ...]:
    spans = [
        LockSpan(
            relation=each.relation,
            mode=each.mode,
            began_s=timeline.at(each.began),
            ended_s=timeline.at(each.ended),
        )
        for each in held
    ]
    return tuple(sorted(spans, key=lambda span: (span.began_s, str(span.relation))))


def _names(names: Iterable[Iterable[QualifiedName]]) -> tuple[QualifiedName, ...]:
    return tuple(sorted({name for some in names for name in some}, key=str))
