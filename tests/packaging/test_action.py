"""The action in a pull request: its own scripts, a real repository, and a forge that only looks like one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging import forge as fake
from tests.packaging.forge import Forge
from tests.packaging.workflow import ROOT, Job

STEPS = ("Plan", "Report", "Judge")

DANGEROUS = "ALTER TABLE users DROP COLUMN name;\n"
SAFE = "ALTER TABLE users ADD COLUMN nick text;\n"


@pytest.fixture
def forge() -> Iterator[Forge]:
    with fake.running() as served:
        yield served


@pytest.fixture
def job(tmp_path: Path, forge: Forge) -> Job:
    """A pull request that is about to add files; migrate is the one of this environment."""
    origin, checkout = tmp_path / "origin", tmp_path / "checkout"
    (origin / "migrations").mkdir(parents=True)
    (origin / "migrations" / "1_users.sql").write_text(
        "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n"
    )
    git(origin, "init", "--quiet", "--initial-branch", "main")
    commit(origin, "first")
    git(tmp_path, "clone", "--quiet", str(origin), str(checkout))
    git(checkout, "switch", "--quiet", "--create", "change")
    bin_ = tmp_path / "temp" / "migrate-action" / "venv" / "bin"
    bin_.mkdir(parents=True)
    for name, call in (("python", ""), ("migrate", " -m migrator")):
        script = bin_ / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}"{call} "$@"\n')
        script.chmod(0o755)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    (tmp_path / "summary.md").write_text("")
    return Job(
        folder=tmp_path,
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": forge.url,
            "GITHUB_BASE_REF": "main",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "MIGRATE_ACTION_PAUSE": "0.01",
            "RUNNER_TEMP": str(tmp_path / "temp"),
        },
    )


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def write(job: Job, name: str, text: str, folder: str = "migrations") -> None:
    path = job.folder / "checkout" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    commit(job.folder / "checkout", name)


def summary(job: Job) -> str:
    return (job.folder / "summary.md").read_text()


def test_a_dangerous_file_is_annotated_commented_and_fails(job: Job, forge: Forge) -> None:
    write(job, "2_drop.sql", DANGEROUS)

    done = job.run(*STEPS)

    assert [ran.code for ran in done.values()] == [0, 0, 3], done
    assert "::error file=migrations/2_drop.sql,line=1" in done["Plan"].out
    assert forge.writes == ["POST"]
    assert forge.comments[0]["body"] in summary(job)
    assert "DROP COLUMN name" in forge.comments[0]["body"]
    assert "1_users" not in forge.comments[0]["body"]
    assert json.loads(Path(job.outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert job.outputs["exit-code"] == "3"


def test_the_comment_is_changed_in_place_and_only_if_it_says_something_else(job: Job, forge: Forge) -> None:
    for number in range(150):
        forge.add(f"comment {number}", author="somebody")
    write(job, "2_drop.sql", DANGEROUS)
    job.run(*STEPS)
    job.run(*STEPS)
    write(job, "2_drop.sql", SAFE)

    done = job.run(*STEPS)

    assert [ran.code for ran in done.values()] == [0, 0, 0], done
    assert forge.writes == ["POST", "PATCH"]
    assert "ADD COLUMN nick" in forge.comments[150]["body"]
    assert len(forge.comments) == 151


def test_a_comment_of_somebody_else_with_the_marker_is_left_alone(job: Job, forge: Forge) -> None:
    write(job, "2_add.sql", SAFE)
    job.run(*STEPS)
    copied = forge.comments[0]["body"]
    forge.comments[0] |= {"user": {"login": "mallory"}, "body": copied + "\nnothing to see"}

    job.run(*STEPS)

    assert forge.writes == ["POST", "POST"]
    assert forge.comments[0]["body"].endswith("nothing to see")


def test_from_a_fork_the_summary_has_to_do(job: Job, forge: Forge) -> None:
    forge.may_write = False
    write(job, "2_add.sql", SAFE)

    done = job.run(*STEPS)

    assert [ran.code for ran in done.values()] == [0, 0, 0], done
    assert "::notice::no comment" in done["Report"].out
    assert "ADD COLUMN nick" in summary(job)


def test_a_passing_failure_of_the_forge_is_tried_again(job: Job, forge: Forge) -> None:
    forge.failures = 2
    write(job, "2_add.sql", SAFE)

    done = job.run(*STEPS)

    assert done["Judge"].code == 0, done
    assert forge.writes == ["POST"]


def test_without_comments_or_without_a_pull_request_only_the_summary_is_written(
    job: Job, forge: Forge
) -> None:
    write(job, "2_add.sql", SAFE)
    job.inputs["comment"] = "false"
    job.run(*STEPS)
    job.inputs.clear()
    (job.folder / "event.json").write_text("{}")

    done = job.run(*STEPS)

    assert done["Judge"].code == 0, done
    assert forge.writes == []
    assert summary(job).count("<!-- migrator:") == 2


def test_a_file_that_cannot_be_read_fails_and_the_comment_says_where(job: Job, forge: Forge) -> None:
    write(job, "2_bad.sql", "ALTER TABLE users ADD COLUMN 'x;\n")

    done = job.run(*STEPS)

    assert done["Judge"].code == 5, done
    assert "migrations/2_bad.sql:1:" in done["Plan"].out
    assert "there is no plan" in forge.comments[0]["body"]
    assert "migrations/2_bad.sql:1:" in forge.comments[0]["body"]


def test_what_users_write_is_never_code(job: Job, forge: Forge) -> None:
    folder = '$(touch pwned) `touch pwned`; touch pwned"'
    job.inputs |= {"working-directory": folder, "base": "origin/main"}
    write(job, "1_$(touch pwned).sql", SAFE, folder=f"{folder}/migrations")
    (job.folder / "checkout" / folder / "migrate.toml").write_text("")

    done = job.run(*STEPS)

    assert done["Judge"].code == 0, done
    assert list(job.folder.rglob("pwned")) == []
    assert forge.writes == ["POST"]


def test_the_token_is_in_no_output(job: Job) -> None:
    write(job, "2_add.sql", SAFE)

    done = job.run(*STEPS)

    assert fake.TOKEN not in "".join(ran.out for ran in done.values()) + summary(job)


def test_installs_this_version_into_an_environment_of_its_own(job: Job) -> None:
    bin_ = job.folder / "temp" / "migrate-action" / "venv" / "bin"
    for script in bin_.iterdir():
        script.unlink()
    job.inputs["python"] = sys.executable
    del job.environment["PYTHONPATH"]
    job.environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}

    done = job.run("Install migrate")

    assert done["Install migrate"].code == 0, done["Install migrate"].out
    assert "migrate " in done["Install migrate"].out
