"""What the server knows of a column and the schema's own text does not tell: who uses it."""

import pytest
from msgspec.structs import replace

from migrator.plan.hazard import Hazard, HazardKind, Severity
from migrator.planner import plan
from migrator.policy import Policy
from migrator.postgres.column_users import ColumnUser, UserKind
from migrator.postgres.facts import Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from tests.planner.planning import facts, migration, planned

USERS, VIEW = QualifiedName("public", "users"), QualifiedName("public", "names")

SCHEMA = "CREATE TABLE users (id bigint PRIMARY KEY, name text, phone text);"


def used_by(*users: ColumnUser) -> Facts:
    known = facts(SCHEMA).with_relation(Relation(name=VIEW, kind=RelationKind.VIEW))
    return known.changed(USERS, lambda relation: replace(relation, column_users=users, dependents=(VIEW,)))


def errors(known: Facts, text: str) -> list[Hazard]:
    made = plan([migration(text)], known, Policy(), tool_version="test")
    return [hazard for hazard in made.hazards if hazard.severity is Severity.ERROR]


def kinds(known: Facts, text: str) -> list[tuple[HazardKind, bool]]:
    return [(hazard.kind, hazard.approvable) for hazard in errors(known, text)]


@pytest.mark.parametrize(
    ("kind", "drop"),
    [
        (UserKind.POLICY, "DROP POLICY p ON users;"),
        (UserKind.RULE, "DROP RULE p ON users;"),
        (UserKind.PUBLICATION, "DROP PUBLICATION p;"),
        (UserKind.FUNCTION, "DROP FUNCTION p();"),
    ],
)
def test_who_uses_a_column_makes_the_server_refuse_until_it_is_dropped(kind: UserKind, drop: str) -> None:
    known = used_by(ColumnUser(column="phone", kind=kind, relation=USERS, name="p"))
    known = known.changed(USERS, lambda relation: replace(relation, rules=("p",)))

    assert kinds(known, "ALTER TABLE users DROP COLUMN phone;") == [(HazardKind.DEPENDENT_OBJECTS, False)]
    assert HazardKind.DEPENDENT_OBJECTS not in {
        kind for kind, _ in kinds(known, f"{drop} ALTER TABLE users DROP COLUMN phone;")
    }


def test_a_view_is_named_and_gone_once_it_is_dropped() -> None:
    known = used_by(ColumnUser(column="phone", kind=UserKind.VIEW, relation=VIEW))
    (refused,) = errors(known, "ALTER TABLE users DROP COLUMN phone;")
    after = kinds(known, "DROP VIEW names; ALTER TABLE users DROP COLUMN phone;")

    assert not refused.approvable
    assert "view public.names" in refused.message
    assert after[-1] == (HazardKind.DATA_LOSS, True)


def test_a_view_that_does_not_use_the_column_is_in_nobodys_way() -> None:
    known = used_by(ColumnUser(column="name", kind=UserKind.VIEW, relation=VIEW))

    assert kinds(known, "ALTER TABLE users DROP COLUMN phone;") == [(HazardKind.DATA_LOSS, True)]


def test_with_cascade_the_view_is_named_and_approved() -> None:
    known = used_by(ColumnUser(column="phone", kind=UserKind.VIEW, relation=VIEW))
    found = errors(known, "ALTER TABLE users DROP COLUMN phone CASCADE;")

    assert [hazard.kind for hazard in found] == [HazardKind.DATA_LOSS, HazardKind.BREAKS_RUNNING_CODE]
    assert found[1].message == "CASCADE drops as well: view public.names"


def test_statistics_go_along_and_are_named() -> None:
    known = used_by(ColumnUser(column="phone", kind=UserKind.STATISTICS, relation=USERS, name="related"))
    (loss,) = errors(known, "ALTER TABLE users DROP COLUMN phone;")

    assert "statistics object related" in loss.message


@pytest.mark.parametrize(
    ("query", "approvable"),
    [
        ("SELECT id, phone FROM users", True),
        ("SELECT * FROM users", True),
        ("SELECT count(*) FROM users", None),
    ],
)
def test_a_view_of_the_plan_is_read_for_names(query: str, *, approvable: bool | None) -> None:
    made = planned(SCHEMA, f"CREATE VIEW v AS {query}; ALTER TABLE users DROP COLUMN phone;")
    found = [hazard.approvable for hazard in made.hazards if hazard.kind is HazardKind.DEPENDENT_OBJECTS]

    assert found == ([] if approvable is None else [approvable])


def test_what_follows_a_renamed_column_is_named() -> None:
    known = used_by(ColumnUser(column="phone", kind=UserKind.VIEW, relation=VIEW))
    (breaks,) = errors(known, "ALTER TABLE users RENAME COLUMN phone TO mobile;")

    assert breaks.kind is HazardKind.BREAKS_RUNNING_CODE
    assert "view public.names" in breaks.message


def test_whoever_used_the_column_uses_it_by_its_new_name() -> None:
    known = used_by(ColumnUser(column="phone", kind=UserKind.VIEW, relation=VIEW))
    text = "ALTER TABLE users RENAME COLUMN phone TO mobile; ALTER TABLE users DROP COLUMN mobile;"

    assert (HazardKind.DEPENDENT_OBJECTS, False) in kinds(known, text)
