"""Who runs this and from where, as the journal records it: from the system, git and CI's variables."""

import getpass
import os
import platform
import re
import subprocess
from collections.abc import Mapping

from migrator import __version__
from migrator.execution.options import Provenance

_COMMITS = (
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BUILDKITE_COMMIT",
    "CIRCLE_SHA1",
    "GIT_COMMIT",
    "BUILD_SOURCEVERSION",
)
_JOBS = ("CI_JOB_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "BUILD_URL")


def provenance() -> Provenance:
    """Return it for this process."""
    return Provenance(
        tool_version=__version__,
        os_user=_user(),
        host=platform.node() or None,
        commit=_first(os.environ, _COMMITS) or _head(),
        ci_url=ci_url(os.environ),
    )


def ci_url(environment: Mapping[str, str]) -> str | None:
    """Return the address of the CI job, where the environment tells."""
    if "GITHUB_RUN_ID" in environment:
        server = environment.get("GITHUB_SERVER_URL", "https://github.com")
        return (
            f"{server}/{environment.get('GITHUB_REPOSITORY', '')}/actions/runs/{environment['GITHUB_RUN_ID']}"
        )
    return _without_user(_first(environment, _JOBS))


def _without_user(url: str | None) -> str | None:
    """Return the address without `user:password@`: it goes into the journal."""
    return None if url is None else re.sub(r"://[^/\s@]*@", "://", url)


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environment[name] for name in names if environment.get(name)), None)


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's numeric user without a name
        return None


def _head() -> str | None:
    command = ("git", "rev-parse", "HEAD")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603  # a program that the user named, or git, without a shell
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
