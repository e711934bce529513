"""A begun plan and a new one of the edited file, made one: what has begun stays, the rest is planned anew.

Pure over plans. It may assume that `reconcile` found every begun statement unchanged, and at its place;
anything else raises ValueError, because the caller skipped a check.
"""

import msgspec

from migrator.execution.journal import MigrationRecord
from migrator.plan.plan import Plan


def merge(record: MigrationRecord, planned: Plan, begun: frozenset[int] | None = None) -> Plan:
    """Return the plan that a begun migration goes on with after statements that had not begun were edited.

    `begun` are the statements that stay as they were; by default all that have begun, by the journal.
    `planned` is the new plan of the whole file, made from facts of the database as it is now. Steps,
    statements and the header's fingerprints of begun statements come from the journal; all others from
    `planned`. Where phases put a step of a begun statement after one of a new statement the order of phases
    decides, then the stored order.
    """
    stored = record.plan
    if stored is None:
        raise ValueError(f"migration {record.version} has no stored plan")
    begun = record.begun_statements if begun is None else begun
    _same_texts(stored, planned, begun)
    kept = [s for s in stored.steps if s.statement in begun]
    fresh = [s for s in planned.steps if s.migration == record.version and s.statement not in begun]
    done = [s for s in kept if s.id in record.steps and record.steps[s.id].done]
    open_steps = sorted([s for s in kept if s not in done] + fresh, key=lambda s: (s.phase.rank, s.statement))
    merged = planned.only(record.version)
    statements = {s.index: s for s in merged.statements} | {
        s.index: s for s in stored.statements if s.index in begun
    }
    return msgspec.structs.replace(
        merged,
        live=stored.live,
        steps=(*done, *open_steps),
        statements=tuple(statements[index] for index in sorted(statements)),
    )


def _same_texts(stored: Plan, planned: Plan, begun: frozenset[int]) -> None:
    version = stored.statements[0].migration if stored.statements else None
    new = {s.index: s.checksum for s in planned.statements if s.migration == version}
    for statement in stored.statements:
        if statement.index in begun and new.get(statement.index) != statement.checksum:
            raise ValueError(f"statement {statement.index} has begun and is not the same in the new plan")
