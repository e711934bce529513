-- Who stands in the way; read-only, and without taking a lock anywhere.

-- name: of relations
-- Who holds a lock on one of these relations (or on a partition of one) that conflicts with the mode wanted. Parameters:
-- schemas, names, and for each the modes (as pg_locks names them) that conflict, separated by commas.
SELECT a.pid, coalesce(a.usename::text, p.owner::text), a.application_name,
    coalesce(a.state, CASE WHEN p.gid IS NOT NULL THEN 'prepared' END),
    extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8,
    left(a.query, 200), l.mode, l.relation::regclass::text, p.gid,
    coalesce(a.backend_type = 'autovacuum worker', false),
    coalesce(a.query LIKE '%%to prevent wraparound%%', false)
FROM unnest(%(schemas)s::text[], %(names)s::text[], %(conflicts)s::text[]) AS wanted (schema_name, name, modes)
JOIN pg_namespace AS n ON n.nspname = wanted.schema_name
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
JOIN pg_locks AS l ON l.locktype = 'relation'
    AND (l.relation = c.oid OR l.relation IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = c.oid))
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
LEFT JOIN pg_prepared_xacts AS p ON l.pid IS NULL AND p.transaction::text = split_part(l.virtualtransaction, '/', 2)
WHERE l.granted AND l.mode = ANY (string_to_array(wanted.modes, ',')) AND l.pid IS DISTINCT FROM pg_backend_pid()
ORDER BY coalesce(a.xact_start, p.prepared) LIMIT 10

-- name: of backend
-- Whom this server process waits for: lock holders, and for CREATE INDEX CONCURRENTLY the transactions it waits out.
SELECT a.pid, coalesce(a.usename::text, p.owner::text), a.application_name,
    coalesce(a.state, CASE WHEN p.gid IS NOT NULL THEN 'prepared' END),
    extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8,
    left(a.query, 200), NULL, NULL, p.gid,
    coalesce(a.backend_type = 'autovacuum worker', false),
    coalesce(a.query LIKE '%%to prevent wraparound%%', false)
FROM unnest(pg_blocking_pids(%(pid)s)) AS blocking (pid)
LEFT JOIN pg_stat_activity AS a ON a.pid = blocking.pid
LEFT JOIN pg_prepared_xacts AS p ON blocking.pid = 0
ORDER BY a.xact_start LIMIT 10

-- name: of snapshots
-- Who has had a snapshot in this database since before that moment: what waits for old snapshots waits for each of them.
-- Neither VACUUM counts (manual: CREATE INDEX), nor what holds back only the removal of dead rows: slots, standbys.
SELECT a.pid, a.usename::text, a.application_name, a.state,
    extract(epoch FROM clock_timestamp() - a.xact_start)::float8,
    left(a.query, 200), NULL, NULL, NULL, false, false
FROM pg_stat_activity AS a
WHERE a.datname = current_database() AND a.backend_xmin IS NOT NULL AND a.xact_start <= %(since)s
    AND a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker' AND a.query NOT ILIKE 'VACUUM%%'
ORDER BY a.xact_start LIMIT 10
