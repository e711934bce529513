-- The runner lock, and making sure that earlier sessions of ours are gone.

-- name: try
-- Take the lock or do not; never stand in its queue (CREATE INDEX CONCURRENTLY would wait for the one who does).
SELECT pg_try_advisory_lock(%(key)s)

-- name: release
-- Give it back.
SELECT pg_advisory_unlock(%(key)s)

-- name: leftovers
-- Recorded sessions that are alive: of one run, or of all for NULL; not our own, not one that is at work on an index
-- (its step's intent names it: the probe of that step deals with it), and of other runs none that holds its lease. One
-- of a build that is idle waits for a client that is gone, or frozen: it must not begin now.
SELECT o.pid, o.backend_start
FROM {journal}.session AS o
JOIN pg_stat_activity AS a ON a.pid = o.pid AND a.backend_start = o.backend_start
WHERE o.pid <> pg_backend_pid()
    AND (o.purpose <> 'build' OR a.state LIKE 'idle%%' OR a.wait_event_type = 'Client')
    AND CASE WHEN %(run)s::bigint IS NULL
        THEN o.lease IS NULL OR NOT EXISTS (
            SELECT FROM pg_locks AS l
            WHERE l.pid = o.pid AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (l.classid::bigint << 32 | l.objid::bigint) = o.lease)
        ELSE o.run = %(run)s END

-- name: terminate
-- End one of them; false where it has gone meanwhile.
SELECT pg_terminate_backend(a.pid)
FROM pg_stat_activity AS a WHERE a.pid = %(pid)s AND a.backend_start = %(start)s

-- name: alive
-- Whether that server process is still there.
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %(pid)s AND backend_start = %(start)s)

-- name: self
-- Our own server process.
SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()

-- name: at work
-- Whether that server process works on something, and does not wait for its client; true where we may not see it.
SELECT a.state IS NULL OR a.state = 'disabled'
    OR a.state NOT LIKE 'idle%%' AND a.wait_event_type IS DISTINCT FROM 'Client'
FROM pg_stat_activity AS a
WHERE a.pid = %(pid)s AND (%(start)s::timestamptz IS NULL OR a.backend_start = %(start)s::timestamptz)

-- name: begin session
-- The first statement of a session: its server process, whether it has a replication role, and timeouts of ours, since
-- those of the role count until then.
SELECT pg_backend_pid(), (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()),
    current_setting('session_replication_role') <> 'origin',
    set_config('statement_timeout', '60s', false), set_config('lock_timeout', '5s', false)
