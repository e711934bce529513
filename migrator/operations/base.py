"""What an operation is: one DDL form, its effect as written, hazards, safe steps, what later statements see.

An operation decides from the parsed statement and the facts alone. It executes nothing and reads no clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from migrator.plan.effect import Effect
from migrator.plan.hazard import Hazard
from migrator.plan.step import SessionState, Step
from migrator.policy import Policy
from migrator.postgres.facts import Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.migration import Directive, Migration, Statement
from migrator.sql.syntax import Action, AlterTable, Command

Subject = Command | Action


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that later steps begin with, and where they look for names."""

    state: SessionState
    search_path: tuple[str, ...]


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Where a statement stands: facts and session state folded over everything before it."""

    facts: Facts
    policy: Policy
    session: SessionState
    search_path: tuple[str, ...]
    migration: Migration
    statement: Statement
    index: int
    """1-based index of the statement in its file."""
    directives: tuple[Directive, ...] = ()
    """The statement's own and the file's."""
    alter: AlterTable | None = None
    """The statement an action belongs to."""
    action: Action | None = None
    """The action of `alter` that is being planned."""
    transaction: Session | None = None
    """Inside BEGIN … COMMIT of the file: the session state to which COMMIT returns."""

    def named(self, name: QualifiedName) -> QualifiedName:
        """Return the name to write into SQL: qualified if the relation is known, else as written."""
        resolved = self.resolve(name)
        return name if self.facts.relation(resolved) is None else resolved

    def resolve(self, name: QualifiedName) -> QualifiedName:
        """Qualify a name as the server would here."""
        return self.facts.resolve(name, self.search_path)

    def relation(self, name: QualifiedName) -> Relation | None:
        """Return what is known of the relation."""
        return self.facts.relation(self.resolve(name))


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation says of one statement or action.

    Steps come without migration, id, file and place: the planner fills those in. An empty `steps` means that
    nothing is to be done (a `SET` that was folded, an object that exists already).
    """

    operation: str
    """The name of its page, e.g. `add-column`."""
    effect: Effect = msgspec.field(default_factory=Effect)
    hazards: tuple[Hazard, ...] = ()
    steps: tuple[Step, ...] = ()
    afterwards: tuple[Step, ...] = ()
    """Steps that follow, whether the action runs alone or its statement runs whole: ANALYZE."""
    facts: Facts
    """As later statements see them."""
    touches: tuple[QualifiedName, ...] = ()
    as_written: bool = False
    session: SessionState | None = None
    """The session state for the statements after this one, where it changes it."""
    search_path: tuple[str, ...] | None = None
    transaction: Session | None = None
    """Inside BEGIN … COMMIT of the file: the session state to which COMMIT returns."""
    controls_session: bool = False
    """`transaction` is to be taken over: SET, BEGIN, COMMIT."""
    touches_everything: bool = False
    """An opaque statement: it may depend on anything, and anything on it."""
    used: tuple[Directive, ...] = ()
    """Directives other than `allow` that took effect."""
    note: str | None = None


Form = TypeVar("Form")


class Operation(Protocol):
    """One DDL operation; instances stand in the OPERATIONS tuple, the first that matches is taken."""

    @property
    def name(self) -> str:
        """The name of its page."""

    def matches(self, subject: Subject, context: Context) -> bool:
        """Whether this operation is responsible for the statement or action."""

    def plan(self, subject: Subject, context: Context) -> Outcome:
        """Return effect, hazards, steps and the facts that later statements see."""


class FormOperation(msgspec.Struct, Generic[Form], frozen=True, kw_only=True):
    """An operation on one type of statement or action."""

    name: str
    form: type[Form]
    outcome: Callable[[Form, Context], Outcome]
    when: Callable[[Form, Context], bool] | None = None
    """Narrows the type, e.g. to one kind of constraint."""

    def matches(self, subject: Subject, context: Context) -> bool:
        """Whether the subject is of the type, and the condition holds."""
        return isinstance(subject, self.form) and (self.when is None or self.when(subject, context))

    def plan(self, subject: Subject, context: Context) -> Outcome:
        """Return what the operation says of a subject that `matches`."""
        if not isinstance(subject, self.form):
            raise TypeError(type(subject).__name__)
        return self.outcome(subject, context)
