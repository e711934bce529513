"""Partitioned tables with a foreign table below them, and templates that nothing in a file can imitate."""

import pytest

from migrator.plan.hazard import HazardKind
from migrator.plan.partition_template import PARTITION, Slot, expanded, shown
from migrator.plan.plan import Plan
from migrator.plan.step import PARTITION_WORK, PartitionIndexes
from migrator.planner import plan
from migrator.policy import Policy
from migrator.postgres.facts import Column, Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.versions import ServerVersion
from migrator.sql.migration import read_migration

ROOT, LEAF = QualifiedName("public", "events"), QualifiedName("public", "events_1")
COLUMNS = (Column(name="id", type="bigint"), Column(name="at", type="date"))


def facts(leaf: RelationKind, version: int = 17) -> Facts:
    root = Relation(
        name=ROOT,
        kind=RelationKind.PARTITIONED_TABLE,
        columns=COLUMNS,
        partitions=(LEAF,),
        partition_key=("at",),
    )
    below = Relation(name=LEAF, kind=leaf, columns=COLUMNS, partition_of=ROOT)
    others = Relation(name=QualifiedName("public", "others"), columns=COLUMNS, rows=10**9)
    return Facts(
        server_version=ServerVersion(version * 10000 + 4), complete=True, relations=(root, below, others)
    )


def planned(statement: str, leaf: RelationKind) -> Plan:
    migration = read_migration(f"{statement};\n", file="1_a.sql", version="1", name="a")
    return plan([migration], facts(leaf), Policy(), tool_version="test")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX by_id ON events (id)",
        "ALTER TABLE events ADD CONSTRAINT one UNIQUE (id, at)",
        "ALTER TABLE events ADD CONSTRAINT other FOREIGN KEY (id) REFERENCES others (id)",
    ],
)
def test_foreign_partition_waits_for_an_approval(statement: str) -> None:
    refused = planned(statement, RelationKind.FOREIGN_TABLE)

    assert [h.kind for h in refused.hazards if h.blocks] == [HazardKind.NO_SAFE_SEQUENCE]
    assert not any(isinstance(step.work, PARTITION_WORK) for step in refused.steps)

    safe = planned(statement, RelationKind.TABLE)

    assert not [h for h in safe.hazards if h.blocks]
    assert any(isinstance(step.work, PARTITION_WORK) for step in safe.steps)


def test_text_of_a_file_is_never_a_place() -> None:
    """The file's own braces stay as they are, whatever stands between them."""
    made = planned("CREATE INDEX by_id ON events ((id || '{partition}{name}%s'))", RelationKind.TABLE)
    works = [step.work for step in made.steps if isinstance(step.work, PartitionIndexes)]
    names = dict.fromkeys(Slot, '"x"')

    assert expanded(works[0].build, names) == (
        'CREATE INDEX CONCURRENTLY "x" ON "x" ((id || \'{partition}{name}%s\'))'
    )
    assert [piece for piece in works[0].build if piece == PARTITION] == [PARTITION]
    assert shown(("ON ", PARTITION)) == "ON {partition}"
