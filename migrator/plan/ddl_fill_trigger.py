"""Builds the trigger that keeps a column filled while, and after, a backfill walks over the table.

The trigger function runs in the session of whoever writes, so it is made to do no harm there: the user's
expression stands in it as an exact slice, with the settings of the plan; a row whose value cannot be
computed is left unfilled with a WARNING instead of failing the write; names of the function's own cannot
hide a column.

As `ddl`, it takes names, which it quotes, and exact slices of the user's file, which it copies.
"""

import hashlib

import msgspec

from migrator.plan.ddl import Sql
from migrator.plan.ddl_comparison import holds
from migrator.plan.template import conjunction, disjunction, fill, literal, unused
from migrator.postgres.identifiers import NAME_LIMIT, QualifiedName, quote, truncate

PREFIX = "zz_migrator_fill_"
"""Triggers fire in the order of their names: this one after those that set the columns it reads."""

_FUNCTION = "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql{settings} AS {tag}{body}{tag}"

_BODY = """
#variable_conflict use_column
DECLARE
  {given} {table}.{column}%TYPE := NEW.{column};
  {before} {table}.{column}%TYPE;
  {filled} {table}.{column}%TYPE;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NOT ({new_unfilled}) THEN RETURN NEW; END IF;
  ELSE
    IF NOT ({kept}) THEN RETURN NEW; END IF;
    IF NOT ({old_unfilled}) THEN
      {before} := OLD.{column};
      OLD.{column} := {initial};
      PERFORM FROM (SELECT OLD.*) AS {reference} WHERE {followed};
      IF NOT FOUND THEN RETURN NEW; END IF;
    END IF;
  END IF;
  NEW.{column} := {initial};
  SELECT {value} INTO {filled} FROM (SELECT NEW.*) AS {reference} WHERE {where};
  NEW.{column} := CASE WHEN FOUND THEN {filled} ELSE {given} END;
  RETURN NEW;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'migrator cannot fill %: %', {label}, SQLERRM;
  NEW.{column} := {given};
  RETURN NEW;
END
"""
"""INSERT fills what was not given. UPDATE computes anew what the writer did not assign, if it held the
value of the old row or none. The expression and the condition see the column as unfilled, as they did in
the walk."""


class FillTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger for one column: BEFORE INSERT OR UPDATE, FOR EACH ROW."""

    table: QualifiedName
    column: str
    type: str
    """format_type's text."""
    value: Sql
    alias: str | None = None
    volatile: bool = False
    """The value differs from one evaluation to the next, so an old value cannot be recognised."""
    where: Sql | None = None
    unfilled: tuple[Sql, ...] = ()
    """What an unfilled row holds besides NULL: the column's default, if it has a constant one."""
    number: int = 1
    """2 and so on where the column has such triggers already."""
    settings: tuple[tuple[str, str], ...] = ()
    """Settings of the function; a value is SQL as it may stand after `SET name TO`."""

    @property
    def name(self) -> str:
        """The trigger's name."""
        return _within_limit(f"{PREFIX}{self.column}{self._suffix}")

    @property
    def function(self) -> QualifiedName:
        """The function's name, in the table's schema."""
        return QualifiedName(
            self.table.schema, _within_limit(f"{PREFIX}{self.table.name}_{self.column}{self._suffix}")
        )

    @property
    def _suffix(self) -> str:
        return "" if self.number == 1 else f"_{self.number}"

    def create_sql(self) -> tuple[Sql, ...]:
        """Function and trigger."""
        return (self._function_sql(), self._trigger_sql())

    def drop_sql(self) -> tuple[Sql, ...]:
        """Trigger and function, also where a later file has dropped them already."""
        return (
            Sql(
                fill(
                    "DROP TRIGGER IF EXISTS {name} ON {table}",
                    name=quote(self.name),
                    table=self.table.quoted,
                )
            ),
            Sql(fill("DROP FUNCTION IF EXISTS {function}()", function=self.function.quoted)),
        )

    def _trigger_sql(self) -> Sql:
        return Sql(
            fill(
                "CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION {function}()",
                name=quote(self.name),
                table=self.table.quoted,
                function=self.function.quoted,
            )
        )

    def _function_sql(self) -> Sql:
        column, reference = quote(self.column), quote(self.alias or self.table.name)
        body = fill(
            _BODY,
            table=self.table.quoted,
            given="migrator_given",
            before="migrator_before",
            filled="migrator_filled",
            initial=next(iter(self.unfilled), "NULL"),
            new_unfilled=self._unfilled(f"NEW.{column}"),
            old_unfilled=self._unfilled(f"OLD.{column}"),
            kept=holds(f"NEW.{column}", f"OLD.{column}", self.type),
            reference=reference,
            followed=self._followed(),
            value=self.value,
            where=conjunction([self.where]),
            column=column,
            label=literal(f"{self.column} of {self.table}"),
        )
        return Sql(
            fill(
                _FUNCTION,
                function=self.function.quoted,
                settings="".join(f" SET {name} TO {value}" for name, value in self.settings),
                # Names too, not only slices, may hold what would end the body.
                tag=f"${unused('migrator', body.split('$'))}$",
                body=body,
            )
        )

    def _followed(self) -> str:
        if self.volatile:
            return "false"
        return conjunction([self.where, holds("migrator_before", self.value, self.type)])

    def _unfilled(self, value: str) -> str:
        return disjunction([f"{value} IS NULL", *(holds(value, each, self.type) for each in self.unfilled)])


def _within_limit(name: str) -> str:
    """Return the name, or where it is too long, its beginning and a digest of all of it."""
    if len(name.encode()) <= NAME_LIMIT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{truncate(name, NAME_LIMIT - 9)}_{digest}"
