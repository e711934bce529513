"""What the policy makes of hazards: weights, groups, reasons, ignores, and approvals with a last day."""

import re
from datetime import date
from pathlib import Path

import pytest

from migrator.errors import DirectiveError
from migrator.plan import codec
from migrator.plan.hazard import ApprovedIn, HazardKind, Severity
from migrator.plan.hazard_groups import ADVICE, MEMBERS, HazardGroup, group_of, members
from migrator.plan.plan import Plan
from migrator.planner import with_expired
from migrator.policy import Ignore, Ignores, Policy
from tests.planner.planning import planned

USERS = "CREATE TABLE users (id bigint PRIMARY KEY, name text);"
CHECK = "ALTER TABLE users ADD CONSTRAINT named CHECK (name <> '');"
REWRITE = "ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid();"
DROP = "DROP TABLE users;"

WARNING = HazardKind.MAY_BREAK_WRITERS


def found(plan: Plan) -> list[tuple[HazardKind, Severity]]:
    return [(hazard.kind, hazard.severity) for hazard in plan.hazards]


def weighing(**severity: Severity | None) -> Policy:
    pairs = [(kind, weight) for name, weight in severity.items() for kind in members(name.replace("_", "-"))]
    return Policy(severity=tuple(pairs))


def test_a_warning_that_is_raised_needs_an_approval() -> None:
    plan = planned(USERS, CHECK, policy=weighing(may_break_writers=Severity.ERROR))

    assert (WARNING, Severity.ERROR) in found(plan)
    assert any(hazard.blocks for hazard in plan.hazards)


def test_a_warning_that_was_raised_can_be_approved() -> None:
    text = f'-- migrate: allow may-break-writers reason="nobody writes that"\n{CHECK}'
    plan = planned(USERS, text, policy=weighing(may_break_writers=Severity.ERROR))

    assert not any(hazard.blocks for hazard in plan.hazards)


def test_advice_may_be_made_lighter_or_turned_off() -> None:
    lighter = planned(USERS, CHECK, policy=weighing(may_break_writers=Severity.INFO))
    off = planned(USERS, CHECK, policy=weighing(may_break_writers=None))

    assert (WARNING, Severity.INFO) in found(lighter)
    assert WARNING not in [kind for kind, _ in found(off)]


@pytest.mark.parametrize("weight", [None, Severity.INFO, Severity.WARNING])
def test_what_needs_an_approval_stays_an_error_whatever_the_policy_says(weight: Severity | None) -> None:
    every = Policy(severity=tuple((kind, weight) for kind in HazardKind))
    plan = planned(USERS, f"{DROP} DO $$ BEGIN END $$;", policy=every)

    assert [kind for kind, severity in found(plan) if severity is Severity.ERROR] == [
        HazardKind.DATA_LOSS,
        HazardKind.NO_SAFE_SEQUENCE,
    ]


def test_what_the_plan_answers_is_not_raised() -> None:
    plan = planned(USERS, REWRITE, policy=weighing(locks=Severity.ERROR))

    assert (HazardKind.TABLE_REWRITE, Severity.INFO) in found(plan)
    assert not any(hazard.blocks for hazard in plan.hazards)


def test_a_hazard_wins_over_its_group_when_it_comes_later() -> None:
    policy = weighing(compatibility=Severity.ERROR, may_break_writers=None)

    assert policy.weight(WARNING, Severity.WARNING) is None
    assert policy.weight(HazardKind.BREAKS_RUNNING_CODE, Severity.WARNING) is Severity.ERROR


def test_every_hazard_is_in_one_group() -> None:
    every = [kind for kinds in MEMBERS.values() for kind in kinds]

    assert sorted(every) == sorted(HazardKind)
    assert set(MEMBERS) == set(HazardGroup)
    assert group_of(HazardKind.DATA_LOSS) is HazardGroup.DATA


def test_the_page_on_policy_has_the_groups_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z]+)` \| (.+) \| (.+) \|$", page, re.MULTILINE)
    expected = [(str(group), ", ".join(kinds), _lighter(kinds)) for group, kinds in MEMBERS.items()]

    assert expected == rows


def _lighter(kinds: tuple[HazardKind, ...]) -> str:
    free = [kind for kind in kinds if kind in ADVICE]
    return "none" if not free else "all" if len(free) == len(kinds) else ", ".join(free)


def test_an_approval_names_no_group() -> None:
    with pytest.raises(DirectiveError) as raised:
        planned(USERS, f'-- migrate: allow data reason="x"\n{DROP}')

    assert "is a group" in (raised.value.hint or "")


def test_reasons_may_be_asked_for_some_hazards_only() -> None:
    text = f"-- migrate: allow data-loss\n{DROP}"
    asked = planned(USERS, text, policy=Policy(require_reason=members("data")))
    free = planned(USERS, text, policy=Policy(require_reason=members("locks")))

    assert HazardKind.MISSING_REASON in [kind for kind, _ in found(asked)]
    assert [hazard.approved for hazard in free.hazards] == ["no reason given"]


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("db/0001_test.sql", True),
        ("db/*.sql", True),
        ("db", True),
        ("db/", True),
        ("./db/**", True),
        ("**/0001*", True),
        ("**/0001_test.sql", True),
        ("d?/0001_test.sql", True),
        ("*.sql", False),
        ("db/0002*", False),
        ("d", False),
        ("other/**", False),
    ],
)
def test_patterns_of_paths_begin_at_the_configuration(pattern: str, covered: bool) -> None:  # noqa: FBT001  # a case
    rule = Ignore(paths=(pattern,), hazards=(WARNING,), reason="old")
    ignores = Ignores(rules=(rule,), base="/home/shop", here="/home/shop/db")

    assert ignores.covers("0001_test.sql", WARNING) is covered
    assert ignores.covers("/home/shop/db/0001_test.sql", WARNING) is covered
    assert not ignores.covers("0001_test.sql", HazardKind.CAST_MAY_FAIL)


def test_advice_about_an_ignored_file_is_not_reported() -> None:
    everything = tuple(HazardKind)  # more than the configuration would take
    rule = Ignore(paths=("**",), hazards=everything, reason="old")
    policy = Policy(ignores=Ignores(rules=(rule,), base="/shop", here="/shop"))
    text = f'-- migrate: allow may-break-writers reason="x"\n{CHECK} {DROP}'

    kinds = [hazard.kind for hazard in planned(USERS, text, policy=policy).hazards]

    assert kinds == [HazardKind.SCAN_UNDER_LOCK, HazardKind.DATA_LOSS]


def test_a_directive_about_what_is_turned_off_is_not_called_unused() -> None:
    plan = planned(USERS, f'-- migrate: allow prefer-text reason="x"\n{REWRITE}')

    assert HazardKind.UNUSED_DIRECTIVE not in [kind for kind, _ in found(plan)]


UNTIL = f'-- migrate: allow data-loss reason="for a while" until=2027-01-31\n{DROP}'


def test_an_approval_counts_on_its_last_day() -> None:
    plan = planned(USERS, UNTIL)

    assert with_expired(plan, date(2027, 1, 31), Policy()) == plan


def test_after_its_last_day_an_approval_is_a_finding_and_still_approves() -> None:
    plan = with_expired(planned(USERS, UNTIL), date(2027, 2, 1), Policy())
    (finding,) = plan.migrations[0].findings

    assert (finding.kind, finding.severity) == (HazardKind.EXPIRED_APPROVAL, Severity.WARNING)
    assert (finding.file, finding.line, finding.column) == ("0001_test.sql", 1, 1)
    assert not any(hazard.blocks for hazard in plan.hazards)


def test_an_expired_approval_that_is_an_error_does_not_block_a_run() -> None:
    policy = weighing(expired_approval=Severity.ERROR)
    plan = with_expired(planned(USERS, UNTIL, policy=policy), date(2030, 1, 1), policy)

    assert (HazardKind.EXPIRED_APPROVAL, Severity.ERROR) in found(plan)
    assert not any(hazard.blocks for hazard in plan.hazards)


def test_one_expired_approval_of_a_whole_file_is_one_finding() -> None:
    text = f'-- migrate: allow data-loss reason="all" until=2020-01-01\n\n{DROP} DROP TABLE others;'
    plan = with_expired(planned(f"{USERS} CREATE TABLE others (id int);", text), date(2027, 1, 1), Policy())

    assert [hazard.kind for hazard in plan.migrations[0].findings] == [HazardKind.EXPIRED_APPROVAL]


def test_without_a_day_nothing_expires() -> None:
    assert planned(USERS, UNTIL.replace("2027", "1999")).migrations[0].findings == ()


def test_a_saved_plan_says_which_approval_was_used() -> None:
    plan = codec.decode(codec.encode(planned(USERS, UNTIL)))
    (hazard,) = plan.hazards

    assert hazard.approved == "for a while"
    assert hazard.approval is not None
    assert hazard.approval.by is ApprovedIn.DIRECTIVE
    assert (hazard.approval.line, hazard.approval.until) == (1, "2027-01-31")
