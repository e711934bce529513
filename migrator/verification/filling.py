"""Rows for what the plan touches, such that the user's own text passes; and what could not be had.

First come rows as the schema before asks for them. Where the text is refused for its rows (it adds a CHECK, a
unique index, NOT NULL, casts a text) they are made anew, with that in mind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from migrator.database.session import Connector
from migrator.errors import InputError
from migrator.shadow.rehearsal import learn, learn_style, rehearse
from migrator.shadow.rows import Rules, fill
from migrator.verification.running import left_out

if TYPE_CHECKING:
    from migrator.plan.plan import Plan
    from migrator.postgres.facts import Facts
    from migrator.postgres.identifiers import QualifiedName
    from migrator.shadow.rehearsal import Refusal
    from migrator.verification.scene import Scene

_ATTEMPTS = 20
"""Constraints that rows are made for, at most."""

_CASTS = "22"


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """The database before the change with its rows, and a copy on which the text has run."""

    url: str
    rehearsed: str
    rows: int
    unfilled: tuple[str, ...] = ()
    unproved: tuple[str, ...] = ()


def filled(scene: Scene) -> Filling:
    """Return a filled copy of the database before; raises InputError where the text does not run at all."""
    space, rules, notes = scene.space, Rules(), list[str]()
    refusal = empty = None
    for _ in range(_ATTEMPTS):
        url = space.copy(scene.before)
        unfilled = _fill(url, scene, rules)
        rehearsed = space.copy(url)
        refusal = _rehearse(rehearsed, scene)
        if refusal is None:
            return Filling(
                url=url,
                rehearsed=rehearsed,
                rows=scene.request.rows,
                unfilled=unfilled,
                unproved=tuple(notes),
            )
        empty = empty or _run_without_rows(scene)
        space.drop(url)
        space.drop(rehearsed)
        if not refusal.concerns_rows or not _learn(refusal, rules, scene, empty):
            break
        said = refusal.message.splitlines()[0]
        scene.tell(f"rows as {refusal.at} needs them: {said}")
        notes.append(f"the rows were made so that {refusal.at} passes: {said}")
    return _without_rows(scene, refusal)


def _rehearse(url: str, scene: Scene) -> Refusal | None:
    skipped = {(statement.migration, statement.index) for statement in left_out(scene.plan)}
    return rehearse(url, scene.request.migrations, skipped)


def _run_without_rows(scene: Scene) -> str:
    """Return a copy on which the text has run; raises InputError where it does not."""
    url = scene.space.copy(scene.before)
    refusal = _rehearse(url, scene)
    if refusal is not None:
        raise InputError(
            f"the statement as written does not run on the database before it: {refusal.message}",
            at=refusal.at,
        )
    return url


def _without_rows(scene: Scene, refusal: Refusal | None) -> Filling:
    """Return an unfilled copy, and say why."""
    reason = "" if refusal is None else f": as written, {refusal.at} is refused with rows: {refusal.message}"
    rehearsed = _run_without_rows(scene)
    url = scene.space.copy(scene.before)
    return Filling(url=url, rehearsed=rehearsed, rows=0, unproved=(f"nothing was tried with rows{reason}",))


def _learn(refusal: Refusal, rules: Rules, scene: Scene, empty: str) -> bool:
    if refusal.sqlstate.startswith(_CASTS):
        return learn_style(rules, _touched_by(scene.plan, refusal))
    return learn(refusal, rules, scene.before, empty, _family(refusal.table, scene.facts))


def _family(name: QualifiedName | None, facts: Facts) -> frozenset[QualifiedName]:
    """Return the table, with all that are in the same partition tree."""
    if name is None:
        return frozenset()
    found, waiting = {name}, [name]
    while waiting:
        relation = facts.relation(waiting.pop())
        if relation is not None:
            above = () if relation.partition_of is None else (relation.partition_of,)
            more = {*above, *relation.partitions} - found
            found |= more
            waiting += more
    return frozenset(found)


def _touched_by(plan: Plan, refusal: Refusal) -> tuple[QualifiedName, ...]:
    return tuple(
        dict.fromkeys(
            name
            for statement in plan.statements
            if (statement.file, statement.line, statement.column)
            == (refusal.at.file, refusal.at.line, refusal.at.column)
            for name in statement.touches
        )
    )


def _fill(url: str, scene: Scene, rules: Rules) -> tuple[str, ...]:
    with Connector(conninfo=url).session("fill") as connection:
        connection.execute("SET statement_timeout TO 0")
        tables = touched(scene.plan, scene.facts)
        made = fill(connection, rows=scene.request.rows, tables=tables, rules=rules)
        connection.execute("ANALYZE")
    return tuple(f"{each.table} lacks {each.missing:,} rows: {each.reason}" for each in made.unfilled)


def touched(plan: Plan, facts: Facts) -> frozenset[QualifiedName]:
    """Return the tables that the plan touches, with their partitions, children and referenced tables."""
    if any(migration.touches_everything for migration in plan.migrations):
        return frozenset(relation.name for relation in facts.relations)
    waiting = [name for migration in plan.migrations for name in migration.touches]
    found: set[QualifiedName] = set()
    while waiting:
        relation = facts.relation(waiting.pop())
        if relation is None or relation.name in found:
            continue
        found.add(relation.name)
        waiting += [*relation.partitions, *relation.children]
        waiting += [c.references for c in relation.constraints if c.references is not None]
    return frozenset(found)
