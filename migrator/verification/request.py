"""What is to be verified, and from what: plain values."""

from __future__ import annotations

import msgspec

from migrator.plan.plan import Plan
from migrator.plan.proof import Proof
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.postgres.facts_document import FactsDocument
from migrator.shadow.traffic.beside import Load
from migrator.sql.dump import Part
from migrator.sql.migration import Migration

DEFAULT_ROWS = 1_000


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The database before the change is what these files make."""

    migrations: tuple[Migration, ...]


class SchemaFile(msgspec.Struct, frozen=True, kw_only=True):
    """The database before the change is what this dump makes."""

    file: str
    parts: tuple[Part, ...]


class FactsFile(msgspec.Struct, frozen=True, kw_only=True):
    """The database before the change is as these facts say."""

    file: str
    document: FactsDocument


Before = History | SchemaFile | FactsFile


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One verification."""

    migrations: tuple[Migration, ...]
    """The files whose plan is verified, in their order."""
    before: Before
    policy: Policy
    rows: int = DEFAULT_ROWS
    """In each touched table."""
    production: Facts | None = None
    """Of the database that the plan is for: its sizes decide what is rewritten; None: all is large."""
    load: Load | None = None
    """Of the traffic beside the plan and the text as written, on copies of their own; None: without."""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """The plan that was carried out, and what was found."""

    plan: Plan
    proof: Proof
    facts: Facts
    """What the plan was made from: the shadow's, with the sizes of the database in use if one was asked."""
