-- When this statement came, what the session's transaction holds on relations, how far the log is, and when that was known.
SELECT extract(epoch FROM statement_timestamp())::float8,
       l.relations,
       l.modes,
       (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::bigint,
       extract(epoch FROM clock_timestamp())::float8
FROM (
    SELECT coalesce(array_agg(relation::bigint), '{}') AS relations, coalesce(array_agg(mode), '{}') AS modes
    FROM pg_catalog.pg_locks
    WHERE pid = pg_catalog.pg_backend_pid()
      AND locktype = 'relation'
      AND granted
      AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
) AS l
