"""One row: a value for each column, foreign keys that refer to rows that exist, conditions satisfied.

Fails with `Unfillable`, which says why, where no row can be made; what the server says to the row is
the business of `fill`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg import sql

from migrator.database.session import Connection
from migrator.shadow.rows.catalog import ForeignKey, Table, Types
from migrator.shadow.rows.parents import Parents
from migrator.shadow.rows.solve import Problem, Values, solved
from migrator.shadow.rows.values import Draw, value

if TYPE_CHECKING:
    from migrator.shadow.rows.catalog import Column

NULL_EVERY = 3
"""Of the rows, where a column may be NULL."""

_ATTEMPTS_OF_A_STYLE = 6

_OTHER_PARENTS = 3
"""That are tried where the one chosen does not satisfy a condition."""


class Unfillable(Exception):
    """No row can be made of what is known."""


@dataclass(slots=True, kw_only=True)
class Made:
    """A row to be inserted."""

    values: Values
    owed: list[tuple[ForeignKey, tuple[str, ...]]] = field(default_factory=list)
    """Keys of parents that do not exist yet: they have to, when the transaction ends."""


class RowMaker(msgspec.Struct, frozen=True, kw_only=True):
    """Makes the rows of one table."""

    connection: Connection
    table: Table
    types: Types
    parents: Parents
    seed: int
    may_draw: bool = True
    """Whether the server may be asked for numbers beforehand."""
    null_every: int = NULL_EVERY
    """So often a column that may be NULL is; 0 is never."""

    def make(self, n: int, attempt: int, forced: Values) -> Made:
        """Return the n-th row; another for each attempt."""
        made, problem = self.draft(n, attempt, forced)
        made.values = solved(self.connection, problem)
        return made

    def draft(self, n: int, attempt: int, forced: Values) -> tuple[Made, Problem]:
        """Return the n-th row as it is before its conditions are looked at."""
        number, style = n + attempt, self.table.style + attempt // _ATTEMPTS_OF_A_STYLE
        made = Made(values=dict(forced))
        for column in self.table.columns:
            if column.name not in forced and not column.drawn:
                self._give(made, column, number, style)
        taken = set(forced)
        turn = number - 1
        for key in sorted(self.table.foreign_keys, key=lambda key: not self.table.requires(key)):
            turn = self._refer(made, key, taken, turn, number)
        problem = Problem(
            table=self.table,
            types=self.types,
            values=made.values,
            choices={name: self._choices(made, name, forced) for name in taken},
            seed=self.seed,
            n=number,
            style=style,
        )
        return made, problem

    def _choices(self, made: Made, name: str, forced: Values) -> list[str | None]:
        """Return what a column of a foreign key may hold: other parents too, where it is the whole key."""
        if name in forced or any(name in key.columns for key, _ in made.owed):
            return [made.values[name]]
        keys = [key for key in self.table.foreign_keys if name in key.columns]
        found: list[str | None] = [made.values[name]]
        if len(keys) == 1 and len(keys[0].columns) == 1 and keys[0].parent != self.table.name:
            found += [text for (text,) in self.parents.keys(keys[0])[:_OTHER_PARENTS]]
        nothing = [] if self.table.column(name).not_null else [None]
        return list(dict.fromkeys([*found, *nothing]))

    def _give(self, made: Made, column: Column, number: int, style: int) -> None:
        place = f"{self.table.name}.{column.name}"
        draw = Draw(seed=self.seed, place=place, n=number, style=style, modifier=column.modifier)
        text = value(column, self.types, draw)
        if column.not_null and text is None:
            if not column.default:
                raise Unfillable(f"nothing is known of the type {column.shown} of {column.name}")
            return
        made.values[column.name] = None if self._leaves_out(number) and not column.not_null else text

    def _refer(self, made: Made, key: ForeignKey, taken: set[str], turn: int, number: int) -> int:
        """Give the columns of a foreign key; return what is left of `turn` for the next one's choice."""
        required = self.table.requires(key)
        if not required and self._leaves_out(number):
            self._leave_out(made, key, taken)
            return turn
        held = {name: made.values[name] for name in key.columns if name in taken}
        fitting = self.parents.keys(key)
        if held:
            fitting = [
                parent
                for parent in fitting
                if all(held.get(name, text) == text for name, text in zip(key.columns, parent, strict=True))
            ]
        if fitting:
            chosen = fitting[turn % len(fitting)]
            made.values |= dict(zip(key.columns, chosen, strict=True))
            taken |= set(key.columns)
            return turn // len(fitting)
        if not required:
            self._leave_out(made, key, taken)
        elif key.parent == self.table.name:
            self._refer_to_itself(made, key, taken)
        else:
            self._owe(made, key, taken)
        return turn

    def _leaves_out(self, number: int) -> bool:
        return self.null_every > 0 and number % self.null_every == 0

    def _leave_out(self, made: Made, key: ForeignKey, taken: set[str]) -> None:
        free = [n for n in key.columns if n not in taken and not self.table.column(n).not_null]
        made.values |= dict.fromkeys(free)
        taken |= set(free)

    def _refer_to_itself(self, made: Made, key: ForeignKey, taken: set[str]) -> None:
        for name, referenced in zip(key.columns, key.referenced, strict=True):
            if referenced not in made.values:
                made.values[referenced] = self._drawn(self.table.column(referenced))
            made.values[name] = made.values[referenced]
        taken |= {*key.columns, *key.referenced}

    def _owe(self, made: Made, key: ForeignKey, taken: set[str]) -> None:
        if not key.deferrable:
            raise Unfillable(f"{key.parent} has no row that {key.name} could refer to")
        owed = tuple(made.values[name] or "" for name in key.columns)
        made.owed.append((key, owed))
        taken |= set(key.columns)

    def _drawn(self, column: Column) -> str:
        """Draw what the server would."""
        if not self.may_draw:
            raise Unfillable(f"{column.name} is drawn row by row")
        expression: Any = column.default.replace("%", "%%")
        query = sql.SQL("SELECT ({})::text").format(sql.SQL(expression))
        if not column.default:
            query = sql.SQL("SELECT nextval(pg_get_serial_sequence({}, {}))::text").format(
                sql.Literal(self.table.name.quoted), sql.Literal(column.name)
            )
        row = self.connection.execute(query).fetchone()
        if row is None or row[0] is None:
            raise Unfillable(f"{column.name} cannot be drawn beforehand")
        return str(row[0])
