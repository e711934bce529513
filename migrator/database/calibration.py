"""The speeds that a journal has seen, for estimates of what comes."""

from migrator.database import journal_install
from migrator.database.commands import journal_query
from migrator.database.session import Connection
from migrator.postgres.rates import Measured, Pace


def read_measured(connection: Connection, journal_schema: str) -> tuple[Measured, ...]:
    """Return what was measured of each kind of work; nothing where there is no journal."""
    if not journal_install.exists(connection, journal_schema):
        return ()
    rows = connection.execute(journal_query("calibration.sql", "measured", journal_schema).query).fetchall()
    return tuple(
        Measured(pace=Pace(pace), steps=steps, slow=float(slow), fast=float(fast))
        for pace, steps, slow, fast in rows
    )
