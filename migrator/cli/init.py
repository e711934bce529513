"""`migrate init`: a configuration file and a folder for migrations, each only where there is none."""

from pathlib import Path

import click

from migrator.cli.group import Command
from migrator.cli.invocation import current
from migrator.cli.output import echo
from migrator.errors import UsageError

CONFIGURATION = """\
# Everything here has a default. A flag wins over an environment variable, which wins over this file.

dir = "{directory}"

# Where to connect. Without it: DATABASE_URL, then libpq's own variables (PGHOST, PGUSER, PGSERVICE, …).
# database = "env:DATABASE_URL"       # or "service=NAME", "file:PATH", "postgresql://app@localhost/shop"
# postgres_version = 18               # for plans without a database

[run]
# lock_budget = "100ms"               # the longest the application may wait for one of our locks
# lock_deadline = "10min"             # how long a step tries to get its lock before it stops (exit 7)
# long_deadline = "24h"               # how long an index build or a validation may take (exit 7)
# journal_schema = "migrator"

[rewrite]
# small_table_rows = 10000            # tables up to this size are changed directly

[policy]
# approvals = "file"                  # in approvals.toml, which its owners guard; else in the SQL files
# severity = {{ style = "warning" }}    # off, info, warning, error; for hazards and groups of them

# migrate --env laptop …
# [environments.laptop]
# database = "postgresql://localhost/shop_dev"
# disposable = true                   # nobody is disturbed: no gates, no rewrites
"""

README = """\
# Migrations

One file for each change, named `YYYYMMDDHHMMSS_what_it_does.sql` (`migrate new NAME` makes one), applied in
the order of their names. Write plain PostgreSQL, as you would on a laptop:

```sql
-- 20260105090000_users_nickname.sql
ALTER TABLE users ADD COLUMN nickname text NOT NULL DEFAULT '';
CREATE INDEX users_nickname_idx ON users (nickname);
```

`migrate plan` shows how that is carried out without stopping the application, `migrate apply` does it. What
would destroy data or break the running application needs an approval, with a reason, before the statement:

```sql
-- migrate: allow data-loss reason="exported to the archive on 3 January"
DROP TABLE carts_2019;
```
"""


@click.command(
    cls=Command,
    examples=(
        ("migrate init", "in the root of your project"),
        ("migrate init --dir db/migrations", "with another folder for the files"),
    ),
    exit_codes=(0, 2),
)
def init() -> None:
    """Write migrate.toml and a folder for migrations with a short README. Never overwrites anything."""
    asked = current()
    directory = Path(asked.directory or "migrations")
    _write(Path(asked.config or "migrate.toml"), CONFIGURATION.format(directory=directory.as_posix()))
    _write(directory / "README.md", README)
    echo("next: migrate new NAME, write SQL into the file, then migrate plan")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        echo(f"kept   {path} (it is there already)")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    else:
        echo(f"wrote  {path}")
