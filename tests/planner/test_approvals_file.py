"""Approvals that stand in approvals.toml: what approves, what only asks, and what is left over."""

from pathlib import Path

import pytest

from migrator.configuration.approvals import NAME, read_approvals
from migrator.errors import ApprovalsError
from migrator.plan.hazard import ApprovedIn, Hazard, HazardKind, Severity
from migrator.plan.plan import Plan
from migrator.policy import ApprovalsFile, Policy
from migrator.reports.approving import entry
from migrator.reports.text import render
from tests.planner.planning import migration, planned

USERS = "CREATE TABLE users (id bigint PRIMARY KEY, name text); CREATE TABLE others (id int);"
DROP = "DROP TABLE users;"
FILE = "0001_test.sql"
CHECKSUM = migration(DROP).statements[0].checksum


def written(**changes: str) -> str:
    """An entry; a value of '' leaves the key out."""
    values = {
        "file": f'"{FILE}"',
        "statement": f'"{CHECKSUM}"',
        "hazard": '"data-loss"',
        "reason": '"no reader"',
        **changes,
    }
    return "[[approvals]]\n" + "".join(f"{key} = {value}\n" for key, value in values.items() if value)


def read(folder: Path, text: str, policy: Policy | None = None) -> ApprovalsFile:
    (folder / NAME).write_text(text, encoding="utf-8")
    (folder / FILE).touch()
    return read_approvals(folder, policy or Policy())


def plan_with(folder: Path, entries: str, sql: str = DROP) -> Plan:
    return planned(USERS, sql, policy=Policy(approvals=read(folder, entries)))


def kinds(plan: Plan) -> list[HazardKind]:
    return [hazard.kind for hazard in plan.hazards]


def only(plan: Plan) -> Hazard:
    (hazard,) = plan.hazards
    return hazard


def test_an_entry_approves_the_statement(tmp_path: Path) -> None:
    text = written(until="2027-01-31", approved_by='"ada@example.org"')
    hazard = only(plan_with(tmp_path, text))

    assert not hazard.blocks
    assert hazard.approved == "no reader"
    assert hazard.approval is not None
    assert (hazard.approval.by, hazard.approval.until) == (ApprovedIn.FILE, "2027-01-31")
    assert hazard.approval.approved_by == "ada@example.org"
    assert hazard.approval.file == str(tmp_path / NAME)


def test_comments_and_white_space_do_not_count(tmp_path: Path) -> None:
    assert not only(plan_with(tmp_path, written(), "DROP /* at last */ TABLE\n  users ;")).blocks


def test_a_directive_only_asks(tmp_path: Path) -> None:
    hazard = only(plan_with(tmp_path, "", f'-- migrate: allow data-loss reason="no reader"\n{DROP}'))

    assert hazard.blocks
    assert hazard.requested == "no reader"


def test_warnings_may_still_be_answered_by_a_directive(tmp_path: Path) -> None:
    text = "ALTER TABLE users ADD CONSTRAINT named CHECK (name <> '');"
    plan = plan_with(tmp_path, "", f'-- migrate: allow may-break-writers reason="x"\n{text}')
    (warning,) = [h for h in plan.hazards if h.kind is HazardKind.MAY_BREAK_WRITERS]

    assert warning.approved == "x"


def test_an_edited_statement_needs_it_anew(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, written(), "DROP TABLE users, others;")

    assert HazardKind.STALE_APPROVAL in kinds(plan)
    assert any(hazard.blocks for hazard in plan.hazards)


def test_an_entry_for_another_hazard_is_stale(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, written() + written(hazard='"opaque-statement"'))
    (stale,) = [h for h in plan.hazards if h.kind is HazardKind.STALE_APPROVAL]

    assert (stale.file, stale.line, stale.column) == (str(tmp_path / NAME), 6, 3)
    assert (stale.severity, stale.blocks) == (Severity.WARNING, False)


def test_the_same_statement_of_another_file_is_not_approved(tmp_path: Path) -> None:
    (tmp_path / "0002_test.sql").touch()
    plan = plan_with(tmp_path, written(file='"0002_test.sql"'))

    assert kinds(plan) == [HazardKind.DATA_LOSS]
    assert only(plan).blocks


def test_an_entry_of_a_file_that_is_gone_is_stale(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, written() + written(file='"0000_gone.sql"'))

    assert kinds(plan) == [HazardKind.STALE_APPROVAL, HazardKind.DATA_LOSS]
    assert "0000_gone.sql" in plan.hazards[0].message


def test_the_report_shows_the_entry_to_paste(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, "", f'-- migrate: allow data-loss reason="say \\"x\\""\n{DROP}')
    report = render(plan)
    pasted = report[report.index("[[approvals]]") :].partition("\n\n")[0]

    assert 'asked for in the file: "say "x""' in report
    assert not only(plan_with(tmp_path, "\n".join(line.strip() for line in pasted.splitlines()))).blocks


def test_hostile_reasons_are_written_as_they_are(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, "")
    reason = 'a "b" \\ c \t \x7f é ]] # ='
    text = "\n".join(entry(plan.statements[0], only(plan), reason, approved_by=reason))
    (read_back,) = read(tmp_path, text).entries

    assert (read_back.reason, read_back.approval.approved_by) == (reason, reason)


def test_a_missing_file_has_no_entries(tmp_path: Path) -> None:
    assert read_approvals(tmp_path, Policy()).entries == ()


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (written() + written(), "6:3", "approved already, in line 1"),
        (written(hazard='"data-los"'), "4:1", "did you mean data-loss"),
        (written(hazard='"data"'), "4:1", "is a group"),
        (written(statement='"1234"'), "3:1", "64 digits"),
        (written(statement=f'"{CHECKSUM.upper()}"'), "3:1", "64 digits"),
        (written(statement=""), "1:3", "no 'statement'"),
        (written(reason='"  "'), "5:1", "reason: expected a text"),
        (written(reason=""), "1:3", "needs a reason"),
        (written(until='"soon"'), "6:1", "is not a day"),
        (written(until='"20270131"'), "6:1", "is not a day"),
        (written(until='"2027-02-30"'), "6:1", "is not a day"),
        (written(until="true"), "6:1", "is not a day"),
        (written(until="2027-01-31T10:00:00"), "6:1", "is not a day"),
        (written(untill="2027-01-31"), "6:1", "did you mean 'until'"),
        (written(file=f'"migrations/{FILE}"'), "2:1", "name of a file"),
        (written(approved_by="1"), "6:1", "approved_by: expected a text"),
        ("approvals = 1", "1:1", r"entries that begin with \[\[approvals\]\]"),
        ("[approvals]\nfile = 1", "1:2", r"entries that begin with \[\[approvals\]\]"),
        ("[[aprovals]]", "1:3", "unknown key 'aprovals'"),
        ("[[approvals]]\nfile = \n", "2:8", "Invalid value"),
    ],
)
def test_an_error_has_its_place(tmp_path: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(ApprovalsError, match=message) as raised:
        read(tmp_path, text)

    assert str(raised.value.at) == f"{tmp_path / NAME}:{place}"
    assert raised.value.exit_code == 5


def test_a_reason_is_not_needed_where_none_is_asked_for(tmp_path: Path) -> None:
    (found,) = read(tmp_path, written(reason=""), Policy(require_reason=False)).entries

    assert found.reason is None
