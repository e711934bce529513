"""The project's own sample history, verified on every version."""

from pathlib import Path

from msgspec.structs import replace

from migrator import history, verification
from migrator.policy import Policy
from migrator.verification import History, Request, ShadowServer
from tests.servers import Server

MIGRATIONS = Path(__file__).parents[2] / "migrations"

SHOP, HALF = 6, 18
"""Files that make the shop; those after them change it."""


def test_the_sample_history_is_proved(server: Server) -> None:
    prove(server, SHOP, HALF)


def test_the_rest_of_the_sample_history_is_proved(server: Server) -> None:
    prove(server, HALF, None)


def prove(server: Server, first: int, end: int | None) -> None:
    files = tuple(
        replace(migration, file=Path(migration.file).name) for migration in history.read_history(MIGRATIONS)
    )
    found = verification.verify(
        ShadowServer(url=server.url, name=f"postgres {server.version}", own=True),
        Request(
            migrations=files[first:end], before=History(migrations=files[:first]), policy=Policy(), rows=20
        ),
        lambda _: None,
    )
    proof = found.proof

    assert {step.id: step.differences for step in proof.steps if step.differences} == {}
    assert [step.error for step in proof.steps if step.error] == []
    assert proof.schema_differences == ()
    assert proof.row_differences == ()
    assert proof.unfilled == ()
    assert len(proof.steps) == len(found.plan.steps)
    assert proof.server.partition(".")[0] == str(server.version)
