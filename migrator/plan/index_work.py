"""Work on indexes that exist already."""

from __future__ import annotations

import msgspec

from migrator.postgres.identifiers import QualifiedName


class RebuildIndexes(msgspec.Struct, frozen=True, kw_only=True, tag="rebuild-indexes"):
    """REINDEX CONCURRENTLY of an index or of a table's indexes, as a state machine.

    The indexes that exist before are recorded by their OIDs: one is done when another has taken its place.
    What an interrupted run leaves behind (`…_ccnew`, `…_ccold`) is told from what was there by that list.
    """

    sql: str
    """The REINDEX … CONCURRENTLY statement."""
    table: QualifiedName
    index: QualifiedName | None
    """None: all indexes of the table, with that of its TOAST table."""
    drop_sql: str
    """Removes the remains of an interrupted run; the name that the server gave stands for $1."""
