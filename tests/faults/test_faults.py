"""A sample of the matrix in docs/faults.md; `make faults` has all of it."""

from collections.abc import Iterator
from random import Random

import pytest

from tests.faults.injection import Fault
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.server import FaultServer, embedded_server, shared_server
from tests.faults.stage import stage
from tests.faults.state import differences
from tests.faults.sweep import record, some, sweep
from tests.faults.victim import Victims, victims
from tests.faults.wire import Buffer, query, startup_code
from tests.servers import Server

FAULTS = list(Fault)
PORTABLE = [fault for fault in Fault if fault.portable]

ON_SHARED = 6
"""So many scenarios, by chance, on a server that others use too."""


@pytest.fixture(scope="module")
def runs() -> Iterator[Victims]:
    """Runs to be killed."""
    with victims() as started:
        yield started


@pytest.fixture(scope="module")
def machine() -> Iterator[FaultServer]:
    """A server to crash."""
    with embedded_server() as server:
        yield server


def survives(server: FaultServer, runs: Victims, scenario: Scenario, fault: Fault, seed: int) -> None:
    with stage(server, scenario, runs) as staged:
        recording = record(staged)
        swept = sweep(staged, fault, recording, some(recording.points(fault), 1, seed))

    assert swept.losses == []
    assert swept.points == 1


@pytest.mark.server
@pytest.mark.chaos
@pytest.mark.parametrize("number", range(len(SCENARIOS)), ids=[s.name for s in SCENARIOS])
def test_a_fault_at_a_boundary(machine: FaultServer, runs: Victims, number: int) -> None:
    survives(machine, runs, SCENARIOS[number], FAULTS[number % len(FAULTS)], number)


@pytest.mark.chaos
@pytest.mark.postgres(ends=True)
def test_faults_on_other_versions(server: Server, runs: Victims) -> None:
    possible = [scenario for scenario in SCENARIOS if scenario.since <= server.version]
    for number, scenario in enumerate(Random(server.version).sample(possible, ON_SHARED)):
        survives(shared_server(server), runs, scenario, PORTABLE[number % len(PORTABLE)], number)


def test_another_state_is_a_loss() -> None:
    assert differences({"rows": 1, "left": []}, {"rows": 2, "left": [], "schema": {}}) == [
        "rows: 1, undisturbed 2"
    ]


def test_messages_are_told_apart_however_they_arrive() -> None:
    buffer, sent = Buffer(), query("SELECT 1") + query("SELECT 'two'")
    found = []
    for byte in sent:
        buffer.feed(bytes([byte]))
        found += list(buffer.messages())

    assert [message.kind for message in found] == [b"Q", b"Q"]
    assert b"".join(message.data for message in found) == sent


def test_the_first_message_has_no_kind() -> None:
    buffer = Buffer()
    buffer.feed(bytes.fromhex("00000008 04d2162f"))
    first = buffer.startup()
    assert first is not None

    assert startup_code(first) == 80877103
