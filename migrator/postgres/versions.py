"""A server's version and what it allows (catalogue, appendix B). Supported: 13 to 18."""

from __future__ import annotations

import msgspec

OLDEST_SUPPORTED = 13
NEWEST_KNOWN = 18


class ServerVersion(msgspec.Struct, frozen=True, order=True):
    """`server_version_num`, e.g. 180004 for 18.4."""

    number: int

    def __str__(self) -> str:
        return f"{self.major}.{self.number % 10000}"

    @property
    def major(self) -> int:
        """13 … 18."""
        return self.number // 10000

    @property
    def not_null_not_valid(self) -> bool:
        """ADD CONSTRAINT … NOT NULL … NOT VALID, and NOT NULL constraints in pg_constraint (catalogue 41)."""
        return self.major >= 18

    @property
    def foreign_key_not_valid_on_partitioned(self) -> bool:
        """Catalogue 95."""
        return self.major >= 18

    @property
    def attach_locks_referencing_tables(self) -> bool:
        """A new partition locks the tables with a foreign key to the root in SHARE ROW EXCLUSIVE."""
        return self.major >= 15

    @property
    def detach_concurrently(self) -> bool:
        """DETACH PARTITION CONCURRENTLY and FINALIZE (catalogue 141)."""
        return self.major >= 14

    @property
    def reindex_partitioned(self) -> bool:
        """REINDEX of a partitioned table; 13 passes over it with a warning."""
        return self.major >= 14

    @property
    def unique_locks_partitions(self) -> bool:
        """UNIQUE of a partitioned table takes ACCESS EXCLUSIVE on its partitions too (measured)."""
        return self.major >= 18

    @property
    def detach_locks_partition(self) -> bool:
        """DETACH PARTITION takes ACCESS EXCLUSIVE on any partition; 13 where it is referred to (measured)."""
        return self.major >= 14

    @property
    def like_including_compression(self) -> bool:
        """Columns have a compression method of their own."""
        return self.major >= 14

    @property
    def unlogged_sequences(self) -> bool:
        """CREATE UNLOGGED SEQUENCE; serial and identity columns of unlogged tables have such a one."""
        return self.major >= 15

    @property
    def identity_of_partitions(self) -> bool:
        """An identity column of a partitioned table is one of its partitions too (catalogue 48)."""
        return self.major >= 17

    @property
    def nulls_not_distinct(self) -> bool:
        """UNIQUE NULLS NOT DISTINCT."""
        return self.major >= 15

    @property
    def tid_range_scan(self) -> bool:
        """`ctid >= … AND ctid < …` reads only those pages."""
        return self.major >= 14

    @property
    def transaction_timeout(self) -> bool:
        """The setting of that name exists."""
        return self.major >= 17

    @property
    def client_connection_check_interval(self) -> bool:
        """The setting of that name exists."""
        return self.major >= 14

    @property
    def concurrent_builds_corrupt(self) -> bool:
        """14.0 to 14.3: CREATE INDEX CONCURRENTLY may corrupt the index (catalogue 157)."""
        return 140000 <= self.number < 140004
