-- What the catalog knows of an index that is, or was, built or dropped CONCURRENTLY.

-- name: index
-- The index of that name, whether it is on the table meant, whether it is complete, and its definition.
SELECT i.indrelid = to_regclass(quote_ident(%(table_schema)s) || '.' || quote_ident(%(table_name)s)),
    i.indisvalid AND i.indisready AND i.indislive,
    quote_ident(n.nspname) || '.' || quote_ident(t.relname), pg_get_indexdef(i.indexrelid)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace  -- an index lives in its table's schema
JOIN pg_index AS i ON i.indexrelid = c.oid
JOIN pg_class AS t ON t.oid = i.indrelid
WHERE n.nspname = %(schema)s AND c.relname = %(name)s

-- name: definition of the copy
-- The definition of the only index of our temporary copy, whose schema is called `pg_temp` from 15 on (and in late minor
-- versions of older ones), by its own name before.
SELECT named.copy, d.definition
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_get_indexdef(i.indexrelid) AS d (definition)
CROSS JOIN LATERAL unnest(ARRAY['pg_temp.migrator_copy', quote_ident(n.nspname) || '.migrator_copy']) AS named (copy)
WHERE strpos(d.definition, ' ON ' || named.copy || ' ') > 0 AND i.indrelid = 'pg_temp.migrator_copy'::regclass

-- name: running
-- Server processes that build the index, or the recorded one if it still works on something.
SELECT a.pid, a.backend_start
FROM pg_stat_activity AS a
LEFT JOIN pg_stat_progress_create_index AS p ON p.pid = a.pid
WHERE a.pid <> pg_backend_pid() AND (
    (a.pid = %(pid)s AND a.backend_start = %(start)s AND a.state = 'active')
    OR p.datname = current_database() AND p.index_relid = to_regclass(quote_ident(%(schema)s) || '.' || quote_ident(%(name)s)))
ORDER BY a.pid = %(pid)s DESC LIMIT 1

-- name: indexes of a table
-- Indexes of a table (or of the table of an index), of its partitions, and of their TOAST tables: OID, quoted name, whether
-- it is complete, and whether REINDEX CONCURRENTLY of the target ($target: an index or a table) rebuilds it.
WITH RECURSIVE meant AS (
    SELECT to_regclass(%(target)s)::oid AS oid
), base AS (
    SELECT coalesce((SELECT i.indrelid FROM pg_index AS i WHERE i.indexrelid = meant.oid), meant.oid) AS oid FROM meant
), tree AS (
    SELECT base.oid FROM base
    UNION
    SELECT h.inhrelid FROM tree JOIN pg_inherits AS h ON h.inhparent = tree.oid
    JOIN pg_class AS child ON child.oid = h.inhrelid AND child.relispartition
), below AS (
    SELECT meant.oid FROM meant
    UNION
    SELECT h.inhrelid FROM below JOIN pg_inherits AS h ON h.inhparent = below.oid
), tables AS (
    SELECT tree.oid FROM tree
    UNION
    SELECT c.reltoastrelid FROM tree JOIN pg_class AS c ON c.oid = tree.oid WHERE c.reltoastrelid <> 0
)
SELECT i.indexrelid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
    i.indisvalid AND i.indisready AND i.indislive,
    c.relkind = 'i' AND (i.indexrelid IN (SELECT below.oid FROM below)
        OR (%(whole)s AND i.indisvalid AND NOT i.indisexclusion))
FROM pg_index AS i
JOIN tables ON tables.oid = i.indrelid
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY i.indexrelid

-- name: toast is ours
-- Whether the role may name indexes of TOAST tables, as DROP INDEX does.
SELECT has_schema_privilege('pg_toast', 'USAGE')

-- name: reindexing
-- Server processes that build an index of the table or its TOAST table, or the recorded one if it still works on something.
SELECT a.pid, a.backend_start
FROM pg_stat_activity AS a
LEFT JOIN pg_stat_progress_create_index AS p ON p.pid = a.pid
WHERE a.pid <> pg_backend_pid() AND (
    (a.pid = %(pid)s AND a.backend_start = %(start)s AND a.state = 'active')
    OR p.datname = current_database() AND p.relid = to_regclass(%(table)s)
    OR p.datname = current_database() AND p.relid = (SELECT c.reltoastrelid FROM pg_class AS c WHERE c.oid = to_regclass(%(table)s) AND c.reltoastrelid <> 0))
ORDER BY a.pid = %(pid)s DESC LIMIT 1

-- name: at work
-- Whether the recorded server process still works on something.
SELECT a.pid, a.backend_start
FROM pg_stat_activity AS a
WHERE a.pid = %(pid)s AND a.backend_start = %(start)s AND a.state = 'active' AND a.pid <> pg_backend_pid()

-- name: cancel
-- Cancel what that server process is doing.
SELECT pg_cancel_backend(a.pid) FROM pg_stat_activity AS a WHERE a.pid = %(pid)s AND a.backend_start = %(start)s

-- name: progress
-- How far a server process is; `done` and `total` in the unit of the stage. DROP INDEX and DETACH PARTITION have no
-- view of their own: what they wait for stands for the stage.
SELECT coalesce(p.phase, CASE WHEN a.wait_event_type = 'Lock' THEN
        CASE a.wait_event WHEN 'virtualxid' THEN 'waiting for transactions' WHEN 'transactionid' THEN 'waiting for transactions'
        ELSE 'waiting for a lock' END END),
    CASE WHEN p.tuples_total > 0 THEN p.tuples_done ELSE p.blocks_done END,
    CASE WHEN p.tuples_total > 0 THEN p.tuples_total ELSE p.blocks_total END,
    p.lockers_done, p.lockers_total, clock_timestamp()
FROM pg_stat_activity AS a
LEFT JOIN pg_stat_progress_create_index AS p ON p.pid = a.pid
WHERE a.pid = %(pid)s AND a.backend_start = %(start)s

-- name: application waits
-- Whether anybody waits to read or write a relation on which that server process has, or wants, a lock in the way.
WITH locks AS MATERIALIZED (
    SELECT l.pid, l.relation, l.mode, l.granted FROM pg_locks AS l
    WHERE l.locktype = 'relation' AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
)
SELECT EXISTS (
    SELECT FROM locks AS waiting
    JOIN locks AS own ON own.relation = waiting.relation AND own.pid = %(pid)s AND waiting.pid <> own.pid
    WHERE NOT waiting.granted AND waiting.mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
        AND own.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))

-- name: partition
-- Whether the table is a partition, of the partitioned table meant, and half detached (14+).
SELECT h.inhparent IS NOT NULL,
    h.inhparent = to_regclass(quote_ident(%(root_schema)s) || '.' || quote_ident(%(root_name)s)),
    coalesce((to_jsonb(h) ->> 'inhdetachpending')::bool, false)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits AS h ON h.inhrelid = c.oid
    AND EXISTS (SELECT FROM pg_class AS parent WHERE parent.oid = h.inhparent AND parent.relkind = 'p')
WHERE n.nspname = %(schema)s AND c.relname = %(name)s
