"""What a facts file says beside definitions: the journal's versions, how busy tables are, settings, standbys.

Pure values. None of it names a row, a client, an address or a user.
"""

import msgspec

from migrator.postgres.identifiers import QualifiedName


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """How busy a table is: averages since its statistics were reset (pg_stat_user_tables)."""

    relation: QualifiedName
    reads_per_s: float
    """Scans begun, sequential and by index."""
    writes_per_s: float
    """Rows inserted, updated and deleted."""


class Standby(msgspec.Struct, frozen=True, kw_only=True):
    """A standby that streams from the server (pg_stat_replication)."""

    sync_state: str
    """async, potential, sync or quorum."""
    replay_lag_s: float | None = None


class ServerState(msgspec.Struct, frozen=True, kw_only=True):
    """The server when the facts were read."""

    begun: tuple[str, ...] | None = None
    """Versions that the journal has begun, settled or not; None where there is no journal."""
    settings: tuple[tuple[str, str], ...] = ()
    """Those that decide how long work takes and what it disturbs, by name."""
    standbys: tuple[Standby, ...] = ()
    activity: tuple[Activity, ...] = ()
    statistics_since_s: float | None = None
    """Seconds that the averages cover; None where the server does not know."""
