-- Reading the journal; all of it works on a standby and in a read-only transaction.

-- name: migrations
-- Every migration in the order in which it began, or the one of the version asked for.
SELECT version, name, file, state, position, plan::text, checksums, live, began_at, finished_at, error
FROM {journal}.migration
WHERE %(version)s::text IS NULL OR version = %(version)s
ORDER BY position

-- name: steps
-- Steps that have begun, with their checkpoints.
SELECT s.version, s.id, s.state, s.phase, s.title, s.started_at, s.finished_at, s.attempts, s.error, s.pid,
    s.backend_start, b.upper_key, b.last_key, b.bound_values, b.rows_done, b.batch_rows, b.estimated_rows, b.passes,
    b.walked, b.rate,
    (SELECT count(*) FROM {journal}.skipped AS k WHERE k.version = b.version AND k.step = b.step) AS rows_skipped
FROM {journal}.step AS s
LEFT JOIN {journal}.backfill AS b ON b.version = s.version AND b.step = s.id
WHERE %(version)s::text IS NULL OR s.version = %(version)s

-- name: fingerprints
-- The definitions that unfinished migrations expect.
SELECT version, schema_name, relation_name, digest
FROM {journal}.fingerprint
WHERE %(version)s::text IS NULL OR version = %(version)s
ORDER BY schema_name, relation_name

-- name: indexes before
-- What a step that rebuilds indexes found when it began for the first time.
SELECT details::text FROM {journal}.event
WHERE kind = 'reindex.begun' AND version = %(version)s AND details ->> 'step' = %(step)s
ORDER BY id DESC LIMIT 1

-- name: past validate
-- Every migration: its state, and whether all of its steps but those of the contract phase are done.
SELECT m.version, m.state,
    m.state IN ('applied', 'baselined', 'waiting')
    OR m.state IN ('begun', 'failed') AND m.plan IS NOT NULL AND NOT EXISTS (
        SELECT FROM json_array_elements(m.plan -> 'steps') AS planned (step)
        LEFT JOIN {journal}.step AS s ON s.version = m.version AND s.id = planned.step ->> 'id'
        WHERE planned.step ->> 'phase' <> 'contract' AND s.state IS DISTINCT FROM 'done'
            AND s.state IS DISTINCT FROM 'resolved'
    )
FROM {journal}.migration AS m

-- name: control
-- The pause flag.
SELECT paused, reason FROM {journal}.control

-- name: disposable
-- Whether the journal was begun in a disposable environment.
SELECT disposable FROM {journal}.control

-- name: not paused
-- Fails (22P02) where the pause flag is set.
SELECT CASE WHEN paused THEN ('paused ' || id)::integer END FROM {journal}.control

-- name: began unused
-- Files that a run set out to begin on a database not in use, and that it did not come to the end of.
SELECT version
FROM (
    SELECT DISTINCT ON (version) version, r.live, r.outcome
    FROM {journal}.run AS r, unnest(r.versions) AS version
    ORDER BY version, r.id DESC
) AS latest
WHERE NOT live AND outcome IS DISTINCT FROM 'done'

-- name: runner
-- Who holds the runner lock, with what the journal knows of it; the lock's key as pg_locks splits it.
SELECT a.pid, r.host, r.os_user, a.usename, a.application_name, coalesce(o.began_at, a.backend_start)
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
LEFT JOIN {journal}.session AS o ON o.pid = a.pid AND o.backend_start = a.backend_start
LEFT JOIN {journal}.run AS r ON r.id = o.run
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.classid::bigint = %(high)s AND l.objid::bigint = %(low)s

-- name: runner without journal
-- As `runner`, for a database that has no journal yet.
SELECT a.pid, host(a.client_addr), NULL, a.usename, a.application_name, a.backend_start
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.classid::bigint = %(high)s AND l.objid::bigint = %(low)s

-- name: leases
-- Who walks the table of a migration without the runner lock: the lock proves it, the session's row says who it is.
SELECT o.version, l.pid, r.host, r.os_user, a.usename, a.application_name, o.began_at
FROM {journal}.session AS o
JOIN pg_locks AS l ON l.pid = o.pid AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (l.classid::bigint << 32 | l.objid::bigint) = o.lease
LEFT JOIN pg_stat_activity AS a ON a.pid = o.pid
LEFT JOIN {journal}.run AS r ON r.id = o.run
WHERE coalesce(a.backend_start = o.backend_start, true)  -- NULL: not ours to see
    AND l.pid <> pg_backend_pid()
ORDER BY o.version

-- name: latest event
-- The number of the latest event, but for those of one run (NULL: all count); 0 where there is none.
SELECT coalesce(max(id), 0) FROM {journal}.event WHERE run IS DISTINCT FROM coalesce(%(run)s::bigint, -1)

-- name: progress
-- The view for people, as it is.
SELECT migration, name, step, phase, title, state, rows_done, estimated_rows, percent, rate, eta_s, runner_pid,
    runner_host, waits_for, stage
FROM {journal}.progress

-- name: events
-- The latest events, newest first.
SELECT id, at, kind, version, os_user, role, host, tool_version, commit, ci_url, details
FROM {journal}.event ORDER BY id DESC LIMIT %(limit)s

-- name: waits for standby
-- The standbys that the session of that process waits for.
SELECT current_setting('synchronous_standby_names') FROM pg_stat_activity
WHERE pid = %(pid)s AND wait_event_type = 'IPC' AND wait_event = 'SyncRep'
