-- What another session is doing, whether one of `holders` keeps it waiting since when, what it holds and waits for.
SELECT a.state,
       extract(epoch FROM a.query_start)::float8,
       extract(epoch FROM a.state_change)::float8,
       CASE WHEN pg_catalog.pg_blocking_pids(%(pid)s) && %(holders)s::integer[] THEN l.waits_since END,
       l.relations,
       l.modes,
       extract(epoch FROM clock_timestamp())::float8
FROM (
    SELECT coalesce(array_agg(relation::bigint) FILTER (WHERE locktype = 'relation'), '{}') AS relations,
           coalesce(array_agg(mode) FILTER (WHERE locktype = 'relation'), '{}') AS modes,
           -- Servers before 14 do not tell since when.
           extract(epoch FROM coalesce(
               min((to_jsonb(k) ->> 'waitstart')::timestamptz) FILTER (WHERE NOT granted), clock_timestamp()
           ))::float8 AS waits_since
    FROM pg_catalog.pg_locks AS k
    WHERE pid = %(pid)s
      AND locktype IN ('relation', 'virtualxid', 'transactionid')
      AND (locktype <> 'relation'
           OR database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
) AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = %(pid)s
