"""The order of a file's steps: phases are monotone, and as little as possible is moved.

The rule. Steps keep the order of their statements, and the phase of a step is raised to the greatest of
those before it. Two kinds of step may leave that order:

- A step that *commutes* (a nullable column, a column with a constant default, a table without foreign keys)
  stays in expand: it moves before steps of backfill and validate of earlier statements, if every step that
  it passes is of that phase by its own nature and generated here (a walk, an index build, a validation).
  Statements as written (data changes, functions, triggers, what is not understood) and steps whose phase
  was raised are never passed.
- A step that commutes leaves a DROP COLUMN behind it in contract: it is about another column.
- A step that does not depend on any step of contract stays before them all; one that touches a relation (or
  names a function or type) of such a step, or may touch anything, follows it into contract. A step of
  contract that commutes (the end of a fill trigger) holds nothing back; one that drops a default that was
  kept until then holds back only what may depend on that (`kept_defaults`).
"""

import re
from functools import cache

import msgspec
from msgspec.structs import replace

from migrator.plan.index_work import RebuildIndexes
from migrator.plan.step import BuildIndex, DropIndex, Phase, Step
from migrator.planner.kept_defaults import indifferent
from migrator.postgres.identifiers import QualifiedName, fold
from migrator.sql.syntax import Command

_WORD = re.compile(r'"(?:[^"]|"")+"|[^\W\d][\w$]*')
"""An identifier; what looks like one in a literal or a comment counts too."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A step, and what its order depends on."""

    step: Step
    relations: frozenset[QualifiedName]
    """Names of relations, functions and types that its statement touches."""
    objects: frozenset[QualifiedName] = frozenset()
    """Those of them that are no relations: a later statement need not touch what it uses, but names it."""
    text: str = ""
    """Of the statement."""
    command: Command | None = None
    kept_defaults: frozenset[str] = frozenset()
    """A step of contract that drops the defaults of these columns, and does nothing else."""
    wild: bool
    """It may depend on more than that."""
    raised: bool = False
    """Its phase is not its own."""

    @property
    def passable(self) -> bool:
        """Whether a step that commutes may move before it."""
        concurrent = isinstance(self.step.work, BuildIndex | DropIndex | RebuildIndexes)
        generated = concurrent or not self.step.as_written
        slow = self.step.phase in {Phase.BACKFILL, Phase.VALIDATE}
        return slow and generated and not self.raised and not self.wild


def in_phases(items: tuple[Item, ...]) -> tuple[Step, ...]:
    """Return the steps in the order in which they run, each with its phase."""
    before: list[Item] = []
    contract: list[Item] = []
    for item in items:
        if item.step.phase is Phase.CONTRACT or _depends(item, contract):
            contract.append(_in(item, Phase.CONTRACT))
        else:
            _place(item, before)
    return tuple(item.step for item in (*before, *contract))


def _depends(item: Item, contract: list[Item]) -> bool:
    return any(_waits(item, other) for other in contract if not other.step.commutes)


def _waits(item: Item, other: Item) -> bool:
    """Whether a step has to come after one of contract."""
    if _about_another_column(item, other):
        return False
    if other.kept_defaults and item.command is not None and indifferent(item.command, other.kept_defaults):
        return False
    return item.wild or other.wild or bool(item.relations & other.relations) or _names(item, other.objects)


def _names(item: Item, objects: frozenset[QualifiedName]) -> bool:
    """Whether the statement has the name of one of the objects anywhere in it."""
    return bool(objects) and not {name.name for name in objects}.isdisjoint(_words(item.text))


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in _WORD.findall(text))


def _about_another_column(item: Item, other: Item) -> bool:
    """ADD COLUMN and DROP NOT NULL commute with DROP COLUMN, unless they say that the name is the same."""
    return _commutes(item) and other.step.operation == "drop-column"


def _place(item: Item, placed: list[Item]) -> None:
    """Put the item at the end, or, where it commutes, behind the last step of expand."""
    slow = next((i for i, other in enumerate(placed) if other.step.phase is not Phase.EXPAND), len(placed))
    if _commutes(item) and all(other.passable for other in placed[slow:]):
        placed.insert(slow, item)
        return
    running = max((other.step.phase for other in placed), key=lambda phase: phase.rank, default=Phase.EXPAND)
    placed.append(_in(item, max(running, item.step.phase, key=lambda phase: phase.rank)))


def _commutes(item: Item) -> bool:
    return item.step.commutes and item.step.phase is Phase.EXPAND


def _in(item: Item, phase: Phase) -> Item:
    if item.step.phase is phase:
        return item
    return replace(item, step=msgspec.structs.replace(item.step, phase=phase), raised=True)
