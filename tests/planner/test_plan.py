import pytest

from migrator.errors import DirectiveError
from migrator.plan.hazard import HazardKind, Severity
from migrator.plan.plan import Fingerprint, Plan
from migrator.plan.step import Phase, Transaction
from migrator.policy import Policy
from migrator.postgres.identifiers import QualifiedName
from tests.planner.planning import planned

USERS = "CREATE TABLE users (id bigint PRIMARY KEY, name text, email text);"

VOLATILE = "ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid();"


def kinds(plan: Plan) -> list[HazardKind]:
    return [hazard.kind for hazard in plan.hazards]


def test_equal_inputs_give_equal_plans() -> None:
    assert planned(USERS, VOLATILE) == planned(USERS, VOLATILE)


def test_phases_never_go_back_within_a_file() -> None:
    function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
    text = f"{VOLATILE} {function} CREATE INDEX i ON users (token);"
    ranks = [step.phase.rank for step in planned(USERS, text).steps]

    assert sorted(ranks) == ranks


def test_step_ids_do_not_depend_on_other_statements() -> None:
    alone = planned(USERS, f"SELECT 1; {VOLATILE}")
    moved = planned(USERS, f"SELECT 1; {VOLATILE} ALTER TABLE users ADD COLUMN a text;")

    assert {step.id for step in alone.steps} <= {step.id for step in moved.steps}


def test_raised_column_is_a_barrier_so_that_the_order_of_columns_is_kept() -> None:
    text = f"""
        {VOLATILE}
        CREATE FUNCTION f() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
        ALTER TABLE users ADD COLUMN first int DEFAULT f();
        ALTER TABLE users ADD COLUMN second text;
    """
    titles = [step.title for step in planned(USERS, text).steps]

    assert titles.index("ADD COLUMN first to public.users") < titles.index(
        "ADD COLUMN second to public.users"
    )


def test_independent_steps_do_not_wait_for_contract() -> None:
    text = """
        -- migrate: allow data-loss reason="moved"
        DROP TABLE users;
        CREATE TABLE others (id bigint PRIMARY KEY);
        ALTER TABLE others ADD COLUMN a text;
    """
    phases = {step.title: step.phase for step in planned(USERS, text).steps}

    assert phases["DROP TABLE public.users"] is Phase.CONTRACT
    assert phases["ADD COLUMN a to public.others"] is Phase.EXPAND


def test_dependent_steps_follow_into_contract() -> None:
    text = """
        -- migrate: allow data-loss reason="moved"
        DROP TABLE users;
        CREATE TABLE users (id bigint PRIMARY KEY);
    """

    assert {step.phase for step in planned(USERS, text).steps} == {Phase.CONTRACT}


def test_actions_run_in_the_order_of_the_passes() -> None:
    text = "ALTER TABLE users ADD CHECK (age > 0), ADD COLUMN age int, ALTER COLUMN email DROP NOT NULL;"
    titles = [step.title for step in planned(USERS, text).steps]

    assert titles[0] == "DROP NOT NULL of email of public.users"
    assert titles[1] == "ADD COLUMN age to public.users"


def test_later_files_see_what_earlier_ones_made() -> None:
    plan = planned("", USERS, VOLATILE)

    assert [step.as_written for step in plan.steps] == [True, True]


def test_fingerprints_are_of_touched_relations_that_exist() -> None:
    plan = planned(USERS, "ALTER TABLE users ADD COLUMN a text; CREATE TABLE others (id int);")

    assert plan.fingerprints == (Fingerprint(QualifiedName("public", "users"), "digest of public.users"),)


def test_opaque_statement_touches_everything() -> None:
    plan = planned(USERS, "SECURITY LABEL ON TABLE users IS 'x';")

    assert plan.migrations[0].touches_everything


def test_code_touches_everything() -> None:
    plan = planned(USERS, "DO $$ BEGIN PERFORM 1; END $$;")

    assert plan.migrations[0].touches_everything
    assert any(hazard.blocks for hazard in plan.hazards)


def test_unknown_hazard_in_a_directive_is_an_error_with_a_guess() -> None:
    with pytest.raises(DirectiveError) as raised:
        planned(USERS, '-- migrate: allow data-los reason="x"\nDROP TABLE users;')

    assert "data-loss" in f"{raised.value} {raised.value.hint}"


def test_approval_of_the_file_is_for_every_statement() -> None:
    text = '-- migrate: allow data-loss reason="all of it"\n\nDROP TABLE users; DROP TABLE others;'
    plan = planned(f"{USERS} CREATE TABLE others (id int);", text)

    assert [hazard.approved for hazard in plan.hazards] == ["all of it", "all of it"]


def test_approval_before_a_statement_is_for_it_alone() -> None:
    text = 'SELECT 1;\n-- migrate: allow data-loss reason="one"\nDROP TABLE users; DROP TABLE others;'
    plan = planned(f"{USERS} CREATE TABLE others (id int);", text)

    assert [hazard.blocks for hazard in plan.hazards] == [False, True]


def test_approval_without_a_reason_is_none() -> None:
    plan = planned(USERS, "-- migrate: allow data-loss\nDROP TABLE users;")

    assert HazardKind.MISSING_REASON in kinds(plan)
    assert all(hazard.blocks for hazard in plan.hazards)


def test_approval_without_a_reason_where_none_is_asked_for() -> None:
    policy = Policy(require_reason=False)
    plan = planned(USERS, "-- migrate: allow data-loss\nDROP TABLE users;", policy=policy)

    assert not any(hazard.blocks for hazard in plan.hazards)


def test_unused_directive_is_a_warning() -> None:
    plan = planned(USERS, '-- migrate: allow data-loss reason="x"\nALTER TABLE users ADD COLUMN a text;')

    assert [(hazard.kind, hazard.severity) for hazard in plan.hazards] == [
        (HazardKind.UNUSED_DIRECTIVE, Severity.WARNING)
    ]


def test_what_the_plan_answers_needs_no_approval() -> None:
    plan = planned(USERS, f'-- migrate: allow table-rewrite reason="x"\n{VOLATILE}')

    assert HazardKind.UNUSED_DIRECTIVE in kinds(plan)


def test_missing_column_is_found() -> None:
    plan = planned(USERS, "ALTER TABLE users ALTER COLUMN nmae SET NOT NULL;")

    assert HazardKind.MISSING_OBJECT in kinds(plan)


def test_drop_if_exists_of_nothing_is_nothing() -> None:
    text = "ALTER TABLE users DROP COLUMN IF EXISTS age; ALTER TABLE IF EXISTS nobody ADD COLUMN a int;"
    plan = planned(USERS, text)

    assert plan.hazards == ()
    assert plan.steps == ()


def test_set_local_ends_with_commit_and_set_stays() -> None:
    text = """
        BEGIN; SET LOCAL timezone TO 'Asia/Tokyo'; SET datestyle TO 'German'; SELECT 1; COMMIT; SELECT 2;
    """
    first, second = planned(USERS, text).steps

    assert dict(first.session.settings) == {"timezone": "'Asia/Tokyo'", "datestyle": "'German'"}
    assert dict(second.session.settings) == {"datestyle": "'German'"}


def test_disposable_database_keeps_the_transaction_of_the_file() -> None:
    text = "BEGIN; ALTER TABLE users ADD COLUMN a text; SELECT 1; COMMIT;"
    (step,) = planned(USERS, text, policy=Policy(disposable=True)).steps

    assert isinstance(step.work, Transaction)
    assert step.work.statements == ("ALTER TABLE users ADD COLUMN a text", "SELECT 1")


def test_an_empty_file_has_an_empty_plan() -> None:
    plan = planned(USERS, "-- nothing yet\n")

    assert plan.steps == ()
    assert [migration.version for migration in plan.migrations] == ["0001"]
