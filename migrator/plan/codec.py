"""A plan as JSON, and back; and the JSON Schema that is published in docs/plan.schema.json.

The document is versioned by `format`. It fails with StalePlanError on a document of another format, and with
InputError on one that is not a plan at all.
"""

import inspect
import json
import sys
from typing import Any

import msgspec

from migrator.errors import InputError, StalePlanError
from migrator.plan.plan import FORMAT, Plan

SCHEMA_ID = "https://migrator.invalid/plan.schema.json"


class _Header(msgspec.Struct):
    format: int


def encode(plan: Plan) -> bytes:
    """Return the plan as one line of JSON; equal plans give equal bytes."""
    return msgspec.json.encode(plan, order="deterministic")


def encode_readable(plan: Plan) -> str:
    """Return the plan as indented JSON."""
    return msgspec.json.format(encode(plan), indent=2).decode() + "\n"


def decode(document: bytes | str, *, file: str = "the plan") -> Plan:
    """Read a plan; `file` is named in errors."""
    try:
        header = msgspec.json.decode(document, type=_Header)
    except msgspec.DecodeError as error:
        raise InputError(f"{file} is not a saved plan: {error}") from error
    if header.format != FORMAT:
        raise StalePlanError(f"{file} has format {header.format}, this version of the tool reads {FORMAT}")
    try:
        return msgspec.json.decode(document, type=Plan, strict=True)
    except msgspec.DecodeError as error:
        raise InputError(f"{file} is damaged: {error}") from error


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    schema = msgspec.json.schema(Plan)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "A plan of migrate",
        **schema,
    }


def json_schema_text() -> str:
    """Return the JSON Schema as it is published."""
    return schema_text(json_schema())


def schema_text(schema: dict[str, Any]) -> str:
    """Return a JSON Schema as text, the same with every version of Python."""
    return json.dumps(_dedented(schema), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _dedented(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Take the indentation out of descriptions: they are docstrings, which Python 3.13 dedents by itself."""
    match value:
        case dict():
            return {key: _dedented(each) for key, each in value.items()}
        case list():
            return [_dedented(each) for each in value]
        case str():
            return inspect.cleandoc(value)
        case _:
            return value


if __name__ == "__main__":
    sys.stdout.write(json_schema_text())
