-- The runner lock, and making sure that earlier sessions of ours are gone.

-- name: try
-- Take the lock or do not; never stand in its queue (CREATE INDEX CONCURRENTLY would wait for the one who does).
SELECT pg_try_advisory_lock(%(key)s)

-- name: release
-- Give it back.
SELECT pg_advisory_unlock(%(key)s)

-- name: leftovers
-- Recorded sessions that are alive: of one run, or of all for NULL; not our own, and not one that builds or drops an
-- index (its step's intent names it: the probe of that step deals with it).
SELECT o.pid, o.backend_start
FROM {journal}.session AS o
JOIN pg_stat_activity AS a ON a.pid = o.pid AND a.backend_start = o.backend_start
WHERE o.pid <> pg_backend_pid() AND (%(run)s::bigint IS NULL OR o.run = %(run)s) AND o.purpose <> 'build'

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
