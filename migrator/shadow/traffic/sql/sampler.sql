-- name: relations
-- What is there when the run begins, and whose locks are of interest: tables, views, and indexes under the
-- names of their tables.
SELECT c.oid, n.nspname, t.relname, c.relkind IN ('i', 'I')
FROM pg_class AS c
LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
JOIN pg_class AS t ON t.oid = coalesce(i.indrelid, c.oid)
JOIN pg_namespace AS n ON n.oid = t.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'i', 'I') AND c.oid >= 16384
    AND n.nspname <> ALL (%(without)s) AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'

-- name: sessions
-- Who is who in this database.
SELECT pid, application_name, backend_type
FROM pg_stat_activity
WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: look
-- The locks of this moment on relations of users, and who waits; one row at least, for the time.
SELECT now.at, l.pid, l.virtualtransaction, l.locktype, l.relation, l.mode, l.granted,
    extract(epoch FROM l.waitstart)::float8
FROM (SELECT extract(epoch FROM clock_timestamp())::float8 AS at) AS now
LEFT JOIN pg_locks AS l ON l.pid <> pg_backend_pid() AND (l.locktype IN ('relation', 'tuple')
    AND l.relation >= 16384 AND (l.mode <> 'AccessShareLock' OR NOT l.granted)
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    OR l.locktype = 'transactionid' AND NOT l.granted)

-- name: look before 14
-- As `look`, where the server does not tell since when somebody waits.
SELECT now.at, l.pid, l.virtualtransaction, l.locktype, l.relation, l.mode, l.granted, NULL::float8
FROM (SELECT extract(epoch FROM clock_timestamp())::float8 AS at) AS now
LEFT JOIN pg_locks AS l ON l.pid <> pg_backend_pid() AND (l.locktype IN ('relation', 'tuple')
    AND l.relation >= 16384 AND (l.mode <> 'AccessShareLock' OR NOT l.granted)
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    OR l.locktype = 'transactionid' AND NOT l.granted)
