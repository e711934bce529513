"""Who holds the runner lock, and who the lease of a migration, as people are told."""

from datetime import datetime

import msgspec


class RunnerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the runner lock, as far as the journal and pg_stat_activity tell."""

    pid: int
    host: str | None = None
    os_user: str | None = None
    role: str | None = None
    application: str | None = None
    since: datetime | None = None

    def __str__(self) -> str:
        who = f"{self.os_user or self.role or 'unknown'}@{self.host or 'unknown host'}"
        return (
            f"{who}, server process {self.pid}, since {self.since:%Y-%m-%d %H:%M:%S %Z}"
            if self.since
            else who
        )


class LeaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Who walks the table of a migration without holding the runner lock."""

    version: str
    runner: RunnerRecord

    def __str__(self) -> str:
        return f"{self.runner}, with the backfill of migration {self.version}"
