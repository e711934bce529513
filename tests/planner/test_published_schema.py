from pathlib import Path

import jsonschema
import msgspec
import pytest

from migrator.errors import InputError, StalePlanError
from migrator.plan.codec import decode, encode, encode_readable, json_schema, json_schema_text
from tests.planner.planning import planned

PUBLISHED = Path(__file__).parents[2] / "docs" / "plan.schema.json"

USERS = "CREATE TABLE users (id bigint PRIMARY KEY, name text);"


@pytest.mark.docs
def test_published_schema_is_current() -> None:
    """Write it anew: python -m migrator.plan.codec > docs/plan.schema.json."""
    assert json_schema_text() == PUBLISHED.read_text()


def test_plans_are_documents_of_the_schema() -> None:
    plan = planned(USERS, "ALTER TABLE users ADD COLUMN t uuid NOT NULL UNIQUE DEFAULT gen_random_uuid();")

    jsonschema.validate(msgspec.json.decode(encode(plan)), json_schema())


def test_readable_form_is_the_same_plan() -> None:
    plan = planned(USERS, "ALTER TABLE users ADD COLUMN a text;")

    assert plan == decode(encode_readable(plan))


def test_another_format_is_refused_as_stale() -> None:
    with pytest.raises(StalePlanError):
        decode('{"format": 2}')


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"format": 1, "steps": 3}'])
def test_what_is_no_plan_is_an_input_error(document: str) -> None:
    with pytest.raises(InputError):
        decode(document)
