"""The pure part: states, the next action, batches, lock attempts, files against the journal."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from migrator.errors import ChecksumError, OrderError
from migrator.execution.batch import Pace, first_pace
from migrator.execution.decide import AskPerson, Conclude, Perform, next_action
from migrator.execution.journal import (
    MIGRATION_EDGES,
    STEP_EDGES,
    Journal,
    MigrationRecord,
    MigrationState,
    StepRecord,
    StepState,
    check_migration,
    check_step,
)
from migrator.execution.lock_attempts import SPRINT, Approach, approach, pause_s, rest_s
from migrator.execution.options import RunOptions
from migrator.execution.reconcile import FileState, check_order, reconcile
from migrator.execution.replan import merge
from migrator.execution.selection import Touching, conflict
from migrator.plan.step import Autocommit, Phase, Recovery
from migrator.policy import Policy
from migrator.postgres.identifiers import QualifiedName
from tests.engine.plans import PROVENANCE, USERS, backfill, ddl, plan, step

OPTIONS = RunOptions(provenance=PROVENANCE)


def record(*states: StepState | None, contract_last: bool = False) -> MigrationRecord:
    steps = [ddl(number, "x") for number in range(1, len(states) + 1)]
    if contract_last:
        steps[-1] = msgspec.structs.replace(steps[-1], phase=Phase.CONTRACT)
    given_plan = plan(*steps)
    return MigrationRecord(
        version="1",
        name="test",
        file="1_test.sql",
        state=MigrationState.BEGUN,
        position=1,
        plan=given_plan,
        checksums=tuple(s.checksum for s in given_plan.statements),
        steps={
            s.id: StepRecord(version="1", id=s.id, state=state, phase=s.phase, title=s.title)
            for s, state in zip(steps, states, strict=True)
            if state is not None
        },
    )


@given(st.lists(st.sampled_from([None, *StepState]), min_size=1, max_size=6), st.booleans())
def test_the_first_step_that_is_not_done_decides(
    states: list[StepState | None],
    contract: bool,  # noqa: FBT001  # drawn by hypothesis
) -> None:
    given_record = record(*states, contract_last=contract)
    action = next_action(given_record, OPTIONS)
    settled = {StepState.DONE, StepState.RESOLVED}
    first = next((n for n, state in enumerate(states) if state not in settled), None)
    match action:
        case Conclude(state=state):
            waits = contract and first == len(states) - 1
            assert first is None or waits
            assert state is (MigrationState.WAITING if waits else MigrationState.APPLIED)
        case Perform(step=chosen):
            assert first is not None
            assert f"{first + 1}.1" == chosen.id
        case AskPerson():
            pytest.fail("nothing unprovable is in it")


@given(st.lists(st.sampled_from(list(MigrationState)), max_size=8))
def test_states_follow_the_table_only(wanted: list[MigrationState]) -> None:
    state: MigrationState | None = None
    for after in wanted:
        if after in MIGRATION_EDGES[state]:
            state = check_migration(state, after)
        else:
            with pytest.raises(ValueError, match="cannot go"):
                check_migration(state, after)


def test_a_done_step_never_begins_again() -> None:
    assert frozenset() == STEP_EDGES[StepState.DONE]
    with pytest.raises(ValueError, match="from done to begun"):
        check_step(StepState.DONE, StepState.BEGUN)


def test_an_interrupted_unprovable_step_asks_a_person() -> None:
    given_record = record(StepState.BEGUN)
    opaque = step(1, Autocommit(sql="CALL p()"), recovery=Recovery.UNPROVABLE)
    interrupted = replace(given_record, plan=plan(opaque))

    assert AskPerson(step=opaque) == next_action(interrupted, OPTIONS)


@given(st.lists(st.tuples(st.integers(1, 50_000), st.floats(0.1, 60_000)), max_size=50))
def test_batches_stay_within_their_bounds(batches: list[tuple[int, float]]) -> None:
    policy = Policy()
    pace = first_pace(policy)
    for asked, milliseconds in batches:
        before = pace.rows
        window = min(asked, before)
        pace = pace.after_batch(window, milliseconds, window)

        assert policy.batch_rows_min <= pace.rows <= policy.batch_rows_max
        assert pace.rows <= max(before * 1.5, policy.batch_rows_min)

        if milliseconds > 5 * policy.batch_target_ms:
            assert pace.rows <= max(window // 10, policy.batch_rows_min)


def test_a_steady_table_finds_its_batch_size() -> None:
    pace = first_pace(Policy())
    for _ in range(30):
        pace = pace.after_batch(pace.rows, pace.rows * 0.05, pace.rows)

    assert pytest.approx(4000, rel=0.05) == pace.rows
    assert pytest.approx(20_000, rel=0.01) == pace.rate
    assert pytest.approx(5.0, rel=0.01) == pace.eta_s(100_000, 200_000)


def test_trouble_halves_and_narrowing_ends_at_one_row() -> None:
    pace = Pace(rows=1000, target_ms=200, least=10, most=50_000)

    assert pace.after_trouble().rows == 500
    assert pace.narrowed().narrowed().narrowed().narrowed().rows == 1


def test_a_batch_that_takes_too_long_shrinks_to_one_row_then_gets_more_time() -> None:
    pace = first_pace(Policy(batch_target_ms=1), rows=10)
    seen = []
    while not pace.exhausted:
        pace = pace.after_timeout()
        seen.append((pace.rows, pace.limit_ms))

    assert [rows for rows, _ in seen[:3]] == [5, 2, 1]
    assert [limit for _, limit in seen[3:]] == [200, 400, 800, 1600, 3200, 5000]

    again = pace.after_batch(1, 0.1, 1)

    assert again.rows == 2  # and does not jump to the least size that is configured


def test_a_walk_goes_on_with_the_few_rows_it_had() -> None:
    pace = first_pace(Policy(), rows=1)

    assert (pace.rows, pace.limit_ms) == (1, 4000)
    for _ in range(60):
        pace = pace.after_batch(pace.rows, pace.rows * 0.05, pace.rows)

    assert pytest.approx(4000, rel=0.05) == pace.rows


@given(st.integers(1, 500))
def test_the_first_attempts_never_queue(attempt: int) -> None:
    due = approach(attempt, queue_due=True, autovacuum=False)

    assert approach(attempt, queue_due=False, autovacuum=False) is Approach.NOWAIT
    assert (due is Approach.QUEUE) == (attempt > SPRINT)


@given(st.integers(0, 500), st.integers(1, 1000), st.none() | st.floats(0, 1e6), st.floats(0, 1))
def test_the_application_is_left_alone_between_two_attempts_that_queue(
    queued: int, budget_ms: int, oldest_s: float | None, jitter: float
) -> None:
    rest = rest_s(queued, budget_ms, oldest_s, jitter)
    fleeting = rest_s(queued, budget_ms, 0.0, jitter)

    assert rest >= fleeting
    assert rest <= 12.5
    if queued:
        assert rest >= min(7.5 * budget_ms / 1000, 2.25)


def test_readers_that_overlap_are_queued_for_at_once_and_an_old_transaction_rarely() -> None:
    assert rest_s(0, 100, 0.2, 0.5) == 0
    assert rest_s(1, 100, 0.2, 0.5) == 1.0
    assert rest_s(0, 100, 8.0, 0.5) == 4.0
    assert rest_s(1, 100, 300.0, 0.5) == 10.0


@given(st.integers(1, 500), st.floats(0, 1))
def test_attempts_are_made_at_least_every_second(attempt: int, jitter: float) -> None:
    assert 0 < pause_s(attempt, jitter) <= 1


def file_state(*checksums: str, version: str = "1", **more: object) -> FileState:
    return FileState(
        version=version,
        name="test",
        file=f"{version}_test.sql",
        checksums=checksums,
        **more,  # type: ignore[arg-type]  # a stand-in is enough here
    )


def test_an_edited_begun_statement_is_an_error_and_another_is_not() -> None:
    begun = record(StepState.DONE, None)
    journal = Journal(migrations=(begun,))
    first, second = begun.checksums

    assert reconcile(journal, [file_state(first, second)]).errors == ()
    assert tuple(e.version for e in reconcile(journal, [file_state(first, "new")]).edited) == ("1",)
    assert tuple(e.version for e in reconcile(journal, [file_state(first)]).edited) == ("1",)

    (error,) = reconcile(journal, [file_state("new", second)]).errors

    assert isinstance(error, ChecksumError)
    assert "statement 1" in error.message


def test_pending_unfinished_and_missing_files() -> None:
    journal = Journal(migrations=(record(None), replace(record(None), version="9")))
    found = reconcile(journal, [file_state("x", version="2"), file_state(*record(None).checksums)])

    assert (found.pending, found.unfinished, found.missing) == (("2",), ("1",), ("9",))


def test_an_older_file_is_refused_only_where_it_shares_relations() -> None:
    applied = replace(record(StepState.DONE), version="2", state=MigrationState.APPLIED)
    journal = Journal(migrations=(applied,))
    older = file_state("x", touches=frozenset({USERS}))
    apart = file_state("x", touches=frozenset({QualifiedName("public", "orders")}))

    assert [OrderError] == [type(e) for e in check_order(journal, [older], ["1", "2"])]
    assert check_order(journal, [apart], ["1", "2"]) == []


def test_a_merge_keeps_what_has_begun_and_plans_the_rest_anew() -> None:
    begun = record(StepState.DONE, None)
    new = plan(ddl(1, "changed by another planner"), ddl(2, "edited"), ddl(3, "added"))
    merged = merge(begun, new)

    assert [s.work.statements[0] for s in merged.steps] == ["x", "edited", "added"]  # type: ignore[union-attr]  # the test is about just that
    assert [s.index for s in merged.statements] == [1, 2, 3]


def test_a_merge_of_an_edited_begun_statement_is_a_bug() -> None:
    new = plan(msgspec.structs.replace(backfill(2), statement=2))
    with pytest.raises(ValueError, match="statement 1 has begun"):
        merge(record(StepState.DONE, None), new)


def test_what_touches_everything_waits_for_everybody() -> None:
    waiting = Touching(version="1", relations=frozenset({USERS}))
    opaque = Touching(version="2", relations=frozenset(), everything=True)
    found = conflict(opaque, [waiting])

    assert found is not None
    assert found.by == "1"
    assert conflict(Touching(version="3", relations=frozenset()), [waiting]) is None
