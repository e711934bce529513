"""A container as shadow: started, used and removed by the command."""

import os

import docker
import pytest

from tests import servers
from tests.cli.conftest import Shell


@pytest.mark.parametrize("version", [13, 18])
def test_a_container_is_used_and_goes_away_again(shell: Shell, version: int) -> None:
    if not servers.docker_answers():
        pytest.skip("Docker does not answer")
    shell.write("0001_users.sql", "CREATE TABLE users (id bigint PRIMARY KEY);")
    shell.write("0002_check.sql", "ALTER TABLE users ADD CHECK (id > 0);")

    done = shell("verify", "--shadow", f"container:{version}", "--rows", "10")

    if "Docker gives no container" in done.err and not os.environ.get("MIGRATOR_REQUIRE_CONTAINERS"):
        pytest.skip("Docker answers, and gives no container")
    assert done.code == 0, str(done)
    assert done.out.startswith(f"proved on PostgreSQL {version}.")
    left = docker.from_env().containers.list(all=True, filters={"label": "migrator-shadow"})
    assert [container for container in left if container.image.tags == [f"postgres:{version}"]] == []
