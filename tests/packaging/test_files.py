"""What others include: the action, workflows, pipelines, hooks and manifests are valid by their schemas."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from migrator.cli.exit_codes import EXIT_CODES
from migrator.cli.main import cli
from tests.packaging.workflow import ROOT, document

BIN = Path(sys.executable).parent

MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
JOBS = [path for path in MANIFESTS if path.stem != "application"]

RESUME = {6, 7, 130, 143}
"""Exit codes after which the same command is run again, and nothing is wrong."""

PERSON = {1, 2, 3, 4, 5, 8}
"""Exit codes after which it would end in the same way."""


def checked(*command: str | Path) -> None:
    done = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-actions", "action.yml"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/ci.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
    ],
)
def test_files_of_the_forge_are_valid(schema: str, file: str) -> None:
    checked("check-jsonschema", "--builtin-schema", schema, file)


def test_workflows_and_action_have_no_known_weakness() -> None:
    checked("zizmor", "--offline", "--quiet", ".github", "action.yml")


def test_no_script_of_the_action_holds_an_expression() -> None:
    for step in document(ROOT / "action.yml")["runs"]["steps"]:
        assert "${{" not in step["run"]


def test_the_pipeline_of_gitlab_is_valid(tmp_path: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    header, pipeline = (ROOT / "deploy" / "gitlab-ci.yml").read_text().split("\n---\n")
    inputs = yaml.load(header)["spec"]["inputs"]
    filled = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: str(inputs[found[1]]["default"]), pipeline)
    path = tmp_path / ".gitlab-ci.yml"
    path.write_text(filled)

    assert "$[[" not in filled
    checked("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", path)
    assert_calls_are_known(" ".join(yaml.load(filled)["migrate-plan"]["script"]))


def test_the_hook_runs_a_command_that_there_is() -> None:
    (hook,) = document(ROOT / ".pre-commit-hooks.yaml")

    assert {"id", "name", "entry", "language", "files"} <= hook.keys()
    assert re.search(hook["files"], "migrations/20260105090000_add.sql")
    assert not re.search(hook["files"], "tests/fixtures.sql")
    assert_calls_are_known(hook["entry"])


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_manifests_are_valid(manifest: Path) -> None:
    checked("kubernetes-validate", "--strict", manifest)


@pytest.mark.parametrize("manifest", JOBS, ids=lambda path: path.stem)
def test_jobs_know_every_exit_code(manifest: Path) -> None:
    spec = document(manifest)["spec"]
    rules = {
        rule["action"]: set(rule["onExitCodes"]["values"])
        for rule in spec["podFailurePolicy"]["rules"]
        if "onExitCodes" in rule
    }

    assert rules == {"FailJob": PERSON, "Ignore": RESUME}
    assert set(EXIT_CODES) - PERSON - RESUME == {0, 9}
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_manifests_run_commands_that_there_are(manifest: Path) -> None:
    pod = document(manifest)["spec"]["template"]["spec"]
    images: list[dict[str, Any]] = [*pod.get("initContainers", []), *pod["containers"]]
    calls = [image["args"] for image in images if "args" in image]

    assert calls
    for arguments in calls:
        assert_calls_are_known("migrate " + " ".join(map(str, arguments)))


def test_a_job_for_each_phase() -> None:
    assert {path.stem for path in JOBS} == {"expand", "backfill", "validate", "contract"}


def test_the_image_has_what_the_package_is_built_from() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert {"pyproject.toml", "migrator", "migrations", "docs", "README.md", "LICENSE"} <= allowed
    assert all((ROOT / name).exists() for name in allowed)


def assert_calls_are_known(script: str) -> None:
    """Every option after `migrate COMMAND` is one of that command."""
    found = re.findall(r"\bmigrate ([a-z]+)((?: +[^;&|]+)?)", script)
    assert found, script
    for name, rest in found:
        command = cli.get_command(None, name)  # type: ignore[arg-type]  # the group does not look at it
        assert command is not None, name
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest)) <= known, script
