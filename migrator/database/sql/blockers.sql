-- Who stands in the way, and who waits behind us; read-only, and without taking a lock anywhere. The first queries find
-- transactions by their locks, which every role may see; `described` adds who they are.

-- name: of relations
-- Who holds a lock on one of these relations, or on what is below one, that conflicts with the mode wanted. Parameters:
-- schemas, names, and for each the modes (as pg_locks names them) that conflict, separated by commas.
WITH RECURSIVE wanted (oid, modes) AS (
    SELECT c.oid, w.modes
    FROM unnest(%(schemas)s::text[], %(names)s::text[], %(conflicts)s::text[]) AS w (schema_name, name, modes)
    JOIN pg_namespace AS n ON n.nspname = w.schema_name
    JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
    UNION
    SELECT i.inhrelid, w.modes FROM wanted AS w JOIN pg_inherits AS i ON i.inhparent = w.oid
)
SELECT l.pid, l.virtualtransaction, l.mode, l.relation::regclass::text
FROM wanted AS w
JOIN pg_locks AS l ON l.locktype = 'relation' AND l.relation = w.oid
WHERE l.granted AND l.mode = ANY (string_to_array(w.modes, ',')) AND l.pid IS DISTINCT FROM pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: in the way
-- Which transactions those are, and no more; asked many times a second while a step waits.
WITH RECURSIVE wanted (oid, modes) AS (
    SELECT c.oid, w.modes
    FROM unnest(%(schemas)s::text[], %(names)s::text[], %(conflicts)s::text[]) AS w (schema_name, name, modes)
    JOIN pg_namespace AS n ON n.nspname = w.schema_name
    JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
    UNION
    SELECT i.inhrelid, w.modes FROM wanted AS w JOIN pg_inherits AS i ON i.inhparent = w.oid
)
SELECT DISTINCT l.pid, l.virtualtransaction
FROM wanted AS w
JOIN pg_locks AS l ON l.locktype = 'relation' AND l.relation = w.oid
WHERE l.granted AND l.mode = ANY (string_to_array(w.modes, ',')) AND l.pid IS DISTINCT FROM pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: of backend
-- Whom that server process waits for: lock holders, and for what is done CONCURRENTLY the transactions it waits out; with
-- the locks of theirs on the relations of that name, where they have any. A prepared transaction has no process: it is
-- found by what is waited for.
WITH RECURSIVE named (oid) AS (
    SELECT c.oid
    FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS w (schema_name, name)
    JOIN pg_namespace AS n ON n.nspname = w.schema_name
    JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
    UNION
    SELECT i.inhrelid FROM named JOIN pg_inherits AS i ON i.inhparent = named.oid
), locks AS MATERIALIZED (
    SELECT * FROM pg_locks
), blocking (pid, virtualtransaction) AS (
    SELECT DISTINCT b.pid, v.virtualtransaction
    FROM unnest(pg_blocking_pids(%(pid)s)) AS b (pid)
    JOIN locks AS v ON v.pid = b.pid AND v.locktype = 'virtualxid'
    UNION
    SELECT NULL, h.virtualtransaction
    FROM locks AS w
    JOIN locks AS h ON h.granted AND h.pid IS NULL AND h.locktype = w.locktype
        AND (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, h.objid, h.objsubid)
            IS NOT DISTINCT FROM
            (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)
    WHERE w.pid = %(pid)s AND NOT w.granted
)
SELECT b.pid, b.virtualtransaction, l.mode, l.relation::regclass::text
FROM blocking AS b
LEFT JOIN locks AS l ON l.virtualtransaction = b.virtualtransaction AND l.pid IS NOT DISTINCT FROM b.pid
    AND l.granted AND l.locktype = 'relation' AND l.relation IN (SELECT oid FROM named)
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: of snapshots
-- Which transactions have had a snapshot in this database since before that moment: what waits for old snapshots waits for
-- each of them. Neither VACUUM counts (manual: CREATE INDEX), nor what holds back only the removal of dead rows: slots, standbys.
SELECT a.pid, v.virtualtransaction, NULL, NULL
FROM pg_stat_activity AS a
JOIN pg_locks AS v ON v.pid = a.pid AND v.locktype = 'virtualxid' AND v.granted
WHERE a.backend_xmin IS NOT NULL AND a.usesysid IS NOT NULL AND a.pid <> pg_backend_pid()
    AND a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND coalesce(a.xact_start <= %(since)s, true) AND coalesce(a.query NOT ILIKE 'VACUUM%%', true)

-- name: behind
-- Who waits for one of these server processes of ours, and which lock each wants.
SELECT w.pid, w.virtualtransaction, w.mode, w.relation::regclass::text
FROM (SELECT * FROM pg_locks WHERE NOT granted AND pid IS NOT NULL AND pid <> ALL (%(pids)s::int[]) OFFSET 0) AS w
WHERE pg_blocking_pids(w.pid) && %(pids)s::int[]

-- name: described
-- Who the holders of these transactions are. Of other roles' sessions only name and application may be read without
-- pg_read_all_stats; autovacuum is what has no user. A prepared transaction is found by its transaction id, on which it
-- holds a lock of its own: its virtual transaction is still that of the session which prepared it.
SELECT h.number, a.pid, a.leader_pid, coalesce(a.usename::text, p.owner::text), a.application_name,
    coalesce(a.state, CASE WHEN p.gid IS NOT NULL THEN 'prepared' END),
    extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8,
    left(nullif(a.query, '<insufficient privilege>'), 2000), p.gid,
    a.pid IS NOT NULL AND a.usesysid IS NULL AND coalesce(a.backend_type = 'autovacuum worker', true),
    coalesce(a.query LIKE 'autovacuum:%% (to prevent wraparound)', false),
    coalesce(a.application_name ~ '^migrator [0-9]', false),
    a.backend_type, a.backend_xid IS NOT NULL OR p.gid IS NOT NULL, coalesce(r.rolsuper, false),
    coalesce(a.datid = (SELECT oid FROM pg_database WHERE datname = current_database()), p.gid IS NOT NULL), a.backend_start
FROM unnest(%(pids)s::int[], %(transactions)s::text[]) WITH ORDINALITY AS h (pid, virtualtransaction, number)
LEFT JOIN pg_stat_activity AS a ON a.pid = h.pid
LEFT JOIN pg_roles AS r ON r.oid = a.usesysid
LEFT JOIN pg_locks AS x ON h.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid'
    AND x.virtualtransaction = h.virtualtransaction
LEFT JOIN pg_prepared_xacts AS p ON p.transaction = x.transactionid
WHERE a.pid IS NOT NULL OR p.gid IS NOT NULL

-- name: recorded
-- Which of these server processes work for a run, or did; when a process began is for pg_read_all_stats to see.
SELECT DISTINCT a.pid
FROM {journal}.session AS o
JOIN pg_stat_activity AS a ON a.pid = o.pid
    AND coalesce(a.backend_start = o.backend_start, a.application_name ~ '^migrator [0-9]')
WHERE a.pid = ANY (%(pids)s::int[])

-- name: runners
-- The server processes of runs that are alive.
SELECT a.pid, o.purpose
FROM {journal}.session AS o
JOIN pg_stat_activity AS a ON a.pid = o.pid
    AND coalesce(a.backend_start = o.backend_start, a.application_name ~ '^migrator [0-9]')
ORDER BY o.began_at

-- name: may end sessions
-- Whether the role may end others' sessions and see whose they are, as superuser or by the two predefined roles; its name.
SELECT r.rolsuper, pg_has_role(r.oid, 'pg_signal_backend', 'USAGE'), pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE'),
    r.rolname::text
FROM pg_roles AS r WHERE r.rolname = current_user

-- name: end
-- End these sessions, each if it is still the one that was seen, in the same transaction, and as harmless as it was then;
-- the record is written by the same statement. Only clients of this database; what is ours is left to the takeover.
WITH chosen AS MATERIALIZED (
    SELECT a.pid, t.details
    FROM unnest(%(pids)s::int[], %(starts)s::timestamptz[], %(transactions)s::text[], %(details)s::text[])
        AS t (pid, backend_start, virtualtransaction, details)
    JOIN pg_stat_activity AS a ON a.pid = t.pid AND a.backend_start = t.backend_start
    JOIN pg_roles AS r ON r.oid = a.usesysid
    JOIN pg_roles AS me ON me.rolname = current_user
    WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND (me.rolsuper OR NOT r.rolsuper)
        AND a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (%(writers)s OR a.backend_xid IS NULL)
        AND EXISTS (
            SELECT FROM pg_locks AS l
            WHERE l.pid = a.pid AND l.locktype = 'virtualxid' AND l.virtualtransaction = t.virtualtransaction
        )
        AND NOT EXISTS (SELECT FROM {journal}.session AS o WHERE o.pid = a.pid AND o.backend_start = a.backend_start)
), ended AS MATERIALIZED (
    SELECT pid, details FROM chosen WHERE pg_terminate_backend(pid)
)
INSERT INTO {journal}.event (kind, version, run, os_user, host, tool_version, commit, ci_url, details)
SELECT 'blocker.terminated', %(version)s, %(run)s, %(os_user)s, %(host)s, %(tool_version)s, %(commit)s, %(ci_url)s,
    details::jsonb
FROM ended
RETURNING (details ->> 'pid')::int
