"""A proof as JSON, and the JSON Schema that is published in docs/proof.schema.json."""

import sys
from typing import Any

import msgspec

from migrator.plan.codec import schema_text
from migrator.plan.proof import Proof

SCHEMA_ID = "https://migrator.invalid/proof.schema.json"


def encode_readable(proof: Proof) -> str:
    """Return the proof as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(proof, order="deterministic"), indent=2).decode() + "\n"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "A proof of migrate",
        **msgspec.json.schema(Proof),
    }


if __name__ == "__main__":
    sys.stdout.write(schema_text(json_schema()))
