"""The parts of an index of a partitioned table: the plan's templates, filled with names of one partition."""

import msgspec

from migrator.database.partitions import Fitting, Partition
from migrator.database.parts import Part
from migrator.plan.effect import RelationLock
from migrator.plan.partition_template import Slot, Template, expanded
from migrator.plan.step import BuildIndex, PartitionIndexes
from migrator.postgres.identifiers import QualifiedName, quote
from migrator.postgres.lock_modes import LockMode


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A partition, and the index of the table right above it."""

    work: PartitionIndexes
    partition: Partition
    above: Fitting


def branch(place: Place, name: str) -> Part:
    """Index and attachment in one transaction, so that there is nothing to find out about afterwards."""
    work, table = place.work, place.partition.name
    mode = LockMode.ACCESS_EXCLUSIVE if work.constrain else LockMode.SHARE
    return Part(
        title=f"CREATE INDEX {name} ON ONLY {table}",
        statements=(_filled(work.branch, place, name), _filled(work.attach, place, name)),
        locks=(RelationLock(table, mode),),
        timeouts=work.quick,
    )


def constraint(place: Place, name: str) -> Part:
    """The constraint that takes over the finished index."""
    lock = RelationLock(place.partition.name, LockMode.ACCESS_EXCLUSIVE)
    return Part(
        title=f"ADD CONSTRAINT {name} to {place.partition.name} over the finished index",
        statements=(_filled(place.work.constrain or (), place, name),),
        locks=(lock,),
        acquire=(lock,),
        timeouts=place.work.quick,
    )


def attachment(place: Place, index: Fitting) -> Part:
    """The index becomes a part of the one above; queries that are being planned wait for that instant."""
    return Part(
        title=f"ATTACH {index.name} to {place.above.name}",
        statements=(_filled(place.work.attach, place, index.name.name),),
        locks=(RelationLock(index.name, LockMode.ACCESS_EXCLUSIVE),),
        timeouts=place.work.quick,
    )


def build_work(place: Place, name: str) -> BuildIndex:
    """Return the build of the partition's index."""
    work, table = place.work, place.partition.name
    return BuildIndex(
        sql=_filled(work.build, place, name),
        table=table,
        index=QualifiedName(table.schema, name),
        unique=work.unique,
        definition=work.definition,
        drop_sql=_filled(work.drop, place, name),
    )


def _filled(template: Template, place: Place, name: str) -> str:
    table = place.partition.name
    names = {
        Slot.PARTITION: table.quoted,
        Slot.NAME: quote(name),
        Slot.INDEX: QualifiedName(table.schema, name).quoted,
        Slot.PARENT_INDEX: place.above.name.quoted,
    }
    return expanded(template, names)
