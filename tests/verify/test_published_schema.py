from pathlib import Path

from migrator.plan import proof_codec
from migrator.plan.codec import schema_text

PUBLISHED = Path(__file__).parents[2] / "docs" / "proof.schema.json"


def test_published_schema_is_that_of_the_code() -> None:
    """Write it anew: python -m migrator.plan.proof_codec > docs/proof.schema.json."""
    assert schema_text(proof_codec.json_schema()) == PUBLISHED.read_text(encoding="utf-8")
