"""Readers and writers over any tables; each does one thing at a time, chosen at random.

A writer changes rows that no other writer changes, inserts rows of its own and deletes those again, so that
writers never wait for one another. Of a table without a key it rolls its INSERT back, because it would not
find the row again.
"""

from collections.abc import Sequence
from random import Random

from migrator.shadow.traffic.session import BEGIN, COMMIT, ROLLBACK, Session, Statement
from migrator.shadow.traffic.statements import Key, NewRow, Request, Target


class Reader:
    """One reading session."""

    def __init__(self, session: Session, random: Random, targets: Sequence[Target]) -> None:
        self.session = session
        self.random = random
        self.targets = [target for target in targets if target.reads]

    def act(self) -> None:
        """Ask for one row by its key, for a list of a few, or count a few."""
        if not self.targets:
            return
        target = self.random.choice(self.targets)
        possible = [request for request in target.reads if target.keys or not request.by_key]
        request = self.random.choice(possible)
        self.session.run(request.statement, self.random.choice(target.keys) if request.by_key else ())


class Writer:
    """One writing session."""

    def __init__(
        self, session: Session, random: Random, targets: Sequence[Target], *, number: int, writers: int
    ) -> None:
        self.session = session
        self.random = random
        self.number = number
        self.writers = writers
        self.targets = [target for target in targets if target.updates or any(target.rows)]
        self.own: dict[int, tuple[Statement, Key]] = {}
        """The DELETE of the row that this writer has inserted, by the place of its table in `targets`."""

    def act(self) -> None:
        """Change a row, or two in a transaction; insert a row, or delete the one that was inserted."""
        if not self.targets:
            return
        place = self.random.randrange(len(self.targets))
        target = self.targets[place]
        rows = target.rows[self.number] if target.rows else []
        choice = self.random.random()
        if rows and (choice < 0.4 or not target.updates):  # noqa: PLR2004  # four of ten are INSERT or DELETE
            self._insert_or_delete(place, target, rows)
        elif target.updates and choice < 0.9:  # noqa: PLR2004  # one of ten is a transaction
            self._update(target)
        elif target.updates:
            self.session.run(BEGIN)
            self._update(target)
            self._update(target)
            self.session.run(COMMIT)

    def _update(self, target: Target) -> None:
        request: Request = self.random.choice(target.updates)
        if not request.by_key:
            self.session.run(request.statement, ())
            return
        own = target.keys[self.number :: self.writers]
        if own:
            self.session.run(request.statement, self.random.choice(own))

    def _insert_or_delete(self, place: int, target: Target, rows: Sequence[NewRow]) -> None:
        if place in self.own:
            self.session.run(*self.own.pop(place))
            return
        row = self.random.choice(rows)
        if target.delete is not None:
            (key,) = self.session.run(row.statement, row.values)
            self.own[place] = (target.delete, key)
            return
        self.session.run(BEGIN)
        self.session.run(row.statement, row.values)
        self.session.run(ROLLBACK)
