-- What a run writes, and what people say to the journal. Times are the server's.

-- name: begin run
-- A run begins; its number is returned.
INSERT INTO {journal}.run (live, versions, os_user, host, tool_version, commit, ci_url)
VALUES (%(live)s, %(versions)s::text[], %(os_user)s, %(host)s, %(tool_version)s, %(commit)s, %(ci_url)s)
RETURNING id

-- name: end run
-- A run ends in order.
UPDATE {journal}.run SET ended_at = clock_timestamp(), outcome = %(outcome)s WHERE id = %(run)s

-- name: record session
-- This server process works for the run.
INSERT INTO {journal}.session (pid, backend_start, run, purpose)
SELECT pid, backend_start, %(run)s, %(purpose)s FROM pg_stat_activity WHERE pid = pg_backend_pid()
ON CONFLICT DO NOTHING

-- name: begin lease
-- This server process goes on with one migration only, and gives the runner lock away.
UPDATE {journal}.session AS o SET purpose = 'backfill', version = %(version)s, lease = %(key)s
FROM pg_stat_activity AS a WHERE a.pid = pg_backend_pid() AND o.pid = a.pid AND o.backend_start = a.backend_start

-- name: end lease
-- It has the runner lock again.
UPDATE {journal}.session AS o SET purpose = 'run', version = NULL, lease = NULL
FROM pg_stat_activity AS a WHERE a.pid = pg_backend_pid() AND o.pid = a.pid AND o.backend_start = a.backend_start

-- name: forget session
-- A server process of ours has ended in order.
DELETE FROM {journal}.session WHERE pid = %(pid)s AND backend_start = %(start)s

-- name: forget gone sessions
-- Rows of server processes that are no more.
DELETE FROM {journal}.session AS o
WHERE NOT EXISTS (
    SELECT FROM pg_stat_activity AS a
    WHERE a.pid = o.pid AND coalesce(a.backend_start = o.backend_start, true))  -- NULL: not ours to see

-- name: event
-- Something happened.
INSERT INTO {journal}.event (kind, version, run, os_user, host, tool_version, commit, ci_url, details)
VALUES (%(kind)s, %(version)s, %(run)s, %(os_user)s, %(host)s, %(tool_version)s, %(commit)s, %(ci_url)s,
    %(details)s::jsonb)

-- name: begin migration
-- A migration begins with this plan; one that was rolled back begins anew, at the end of the order.
INSERT INTO {journal}.migration (version, name, file, state, plan, checksums, live)
VALUES (%(version)s, %(name)s, %(file)s, 'begun', %(plan)s::json, %(checksums)s::text[], %(live)s)

-- name: remove migration
-- Make room for a migration that was rolled back and begins anew.
DELETE FROM {journal}.migration WHERE version = %(version)s AND state = 'rolled_back'

-- name: set migration
-- A migration goes from one state to another.
UPDATE {journal}.migration
SET state = %(state)s, error = %(error)s,
    finished_at = CASE WHEN %(state)s IN ('applied', 'rolled_back') THEN clock_timestamp() END
WHERE version = %(version)s

-- name: set plan
-- A begun migration goes on with a merged plan, after statements that had not begun were edited.
UPDATE {journal}.migration SET plan = %(plan)s::json, checksums = %(checksums)s::text[] WHERE version = %(version)s

-- name: record settled
-- A file counts as done without having been run: baselined, or resolved by a person.
INSERT INTO {journal}.migration AS m (version, name, file, state, checksums, live, finished_at)
VALUES (%(version)s, %(name)s, %(file)s, %(state)s, %(checksums)s::text[], true, clock_timestamp())
ON CONFLICT (version) DO UPDATE
SET state = excluded.state, finished_at = clock_timestamp(), error = NULL,
    checksums = CASE WHEN m.plan IS NULL THEN excluded.checksums ELSE m.checksums END

-- name: set checksums
-- The statements of a file as a person has accepted them.
UPDATE {journal}.migration SET checksums = %(checksums)s::text[], file = %(file)s, name = %(name)s
WHERE version = %(version)s

-- name: resolve steps
-- Every step that has not ended counts as done, because a person said so.
UPDATE {journal}.step SET state = 'resolved', finished_at = clock_timestamp(), waits_for = NULL
WHERE version = %(version)s AND state IN ('begun', 'failed')

-- name: forget steps
-- Nothing of a migration remains: its steps, checkpoints and expectations go; the events stay.
WITH steps AS (DELETE FROM {journal}.step WHERE version = %(version)s)
DELETE FROM {journal}.fingerprint WHERE version = %(version)s

-- name: set paused
-- Set or clear the pause flag.
UPDATE {journal}.control SET paused = %(paused)s, reason = %(reason)s, changed_at = clock_timestamp()

-- name: set disposable
-- Whether a disposable environment may do as it likes with this database.
UPDATE {journal}.control SET disposable = %(disposable)s WHERE disposable IS DISTINCT FROM %(disposable)s

-- name: begin step
-- The intent: this server process is about to run the step.
INSERT INTO {journal}.step (version, id, state, phase, title, run, pid, backend_start)
SELECT %(version)s, %(step)s, 'begun', %(phase)s, %(title)s, %(run)s, a.pid, a.backend_start
FROM (SELECT) AS one LEFT JOIN pg_stat_activity AS a ON a.pid = %(pid)s
ON CONFLICT (version, id) DO UPDATE
SET state = 'begun', run = excluded.run, pid = excluded.pid, backend_start = excluded.backend_start,
    title = excluded.title, phase = excluded.phase, error = NULL, waits_for = NULL

-- name: end step
-- The step is done. In a transactional step this is part of its own transaction.
SELECT {journal}.end_step(%(version)s, %(step)s, %(run)s, %(attempts)s, %(seconds)s, %(schemas)s::text[], %(names)s::text[])

-- name: step done
-- A step that needed no intent is done, in its own transaction; gives its seconds.
WITH done AS (
    INSERT INTO {journal}.step AS s (version, id, state, phase, title, run, started_at, finished_at, attempts)
    VALUES (%(version)s, %(step)s, 'done', %(phase)s, %(title)s, %(run)s, transaction_timestamp(), clock_timestamp(), 1)
    ON CONFLICT (version, id) DO UPDATE
    SET state = 'done', finished_at = excluded.finished_at, attempts = s.attempts + 1, run = excluded.run,
        error = NULL, waits_for = NULL
)
INSERT INTO {journal}.attempt (version, step, number, run, began_at, outcome, lock_attempts)
SELECT %(version)s, %(step)s, coalesce(max(number), 0) + 1, %(run)s, transaction_timestamp(), 'done', 1
FROM {journal}.attempt WHERE version = %(version)s AND step = %(step)s
RETURNING extract(epoch FROM clock_timestamp() - transaction_timestamp())::float8

-- name: fail step
-- The server refused the step.
UPDATE {journal}.step SET state = 'failed', error = %(error)s, attempts = attempts + %(attempts)s, waits_for = NULL
WHERE version = %(version)s AND id = %(step)s

-- name: step waits
-- What the step waits for, for people to see.
UPDATE {journal}.step SET waits_for = %(waits_for)s WHERE version = %(version)s AND id = %(step)s

-- name: attempt
-- What this run's try of the step came to.
INSERT INTO {journal}.attempt (version, step, number, run, began_at, outcome, lock_attempts, error)
SELECT %(version)s, %(step)s, coalesce(max(number), 0) + 1, %(run)s,
    clock_timestamp() - make_interval(secs => %(seconds)s), %(outcome)s, %(attempts)s, %(error)s
FROM {journal}.attempt WHERE version = %(version)s AND step = %(step)s

-- name: confirm
-- A commit that waits for synchronous standbys, after one under a strong lock that did not.
UPDATE {journal}.step SET waits_for = NULL WHERE version = %(version)s AND id = %(step)s

-- name: expect fingerprints
-- What the first step expects of each relation: what an earlier migration of the same plan left, else what was planned.
INSERT INTO {journal}.fingerprint (version, schema_name, relation_name, digest, stamp, step)
SELECT %(version)s, p.schema_name, p.relation_name,
    CASE WHEN earlier.version IS NULL THEN p.digest ELSE earlier.digest END, earlier.stamp,
    CASE WHEN earlier.stamp IS NOT NULL THEN earlier.step END
FROM unnest(%(schemas)s::text[], %(names)s::text[], %(digests)s::text[]) AS p (schema_name, relation_name, digest)
LEFT JOIN LATERAL (
    SELECT f.version, f.digest, f.stamp, f.step FROM {journal}.fingerprint AS f
    WHERE f.schema_name = p.schema_name AND f.relation_name = p.relation_name
        AND f.step IS NOT NULL AND f.version = ANY (%(earlier)s::text[])
    ORDER BY f.at DESC LIMIT 1
) AS earlier ON true
ON CONFLICT (version, schema_name, relation_name) DO NOTHING

-- name: check stamps
-- Fails (MG001) where a relation is no longer what was looked at.
SELECT {journal}.check_stamps(%(schemas)s::text[], %(names)s::text[], %(stamps)s::text[])

-- name: look
-- Whether the relations are what they should be: of those named, or all for NULL.
SELECT * FROM {journal}.look(%(version)s, %(schemas)s::text[], %(names)s::text[])

-- name: accept fingerprints
-- The definitions as they are now are what the next step expects, because a person said so.
UPDATE {journal}.fingerprint AS f SET digest = n.digest, stamp = NULL, at = clock_timestamp()
FROM {journal}.fingerprint AS g,
    LATERAL {journal}.fingerprints(ARRAY[g.schema_name], ARRAY[g.relation_name]) AS n
WHERE f.version = %(version)s AND g.version = f.version AND g.schema_name = f.schema_name
    AND g.relation_name = f.relation_name

-- name: begin backfill
-- The bounds and values of a walk, in the transaction that computed them.
INSERT INTO {journal}.backfill (version, step, upper_key, bound_values, batch_rows, estimated_rows, walked)
VALUES (%(version)s, %(step)s, %(upper)s::text[], %(values)s::text[], %(batch_rows)s, %(estimated_rows)s,
    %(upper)s::text[] IS NULL)

-- name: checkpoint
-- A batch up to this key, in the batch's own transaction.
UPDATE {journal}.backfill
SET last_key = %(last)s::text[], rows_done = rows_done + %(rows)s, batch_rows = %(batch_rows)s, rate = %(rate)s,
    updated_at = clock_timestamp()
WHERE version = %(version)s AND step = %(step)s

-- name: walked
-- The walk has reached its end.
UPDATE {journal}.backfill SET walked = true, updated_at = clock_timestamp()
WHERE version = %(version)s AND step = %(step)s

-- name: walk again
-- Rows were left over: the walk begins anew.
UPDATE {journal}.backfill SET walked = false, last_key = NULL, passes = passes + 1, updated_at = clock_timestamp()
WHERE version = %(version)s AND step = %(step)s

-- name: begin anew
-- The definition changed while the walk went on (of that step, or for NULL of any that is not done): rows that were
-- written meanwhile may lack their value, so the walk begins again, with a new upper bound (passes = 0). Only where
-- what is unfilled can be told from what is filled: not over a captured list, and not where rows that the application
-- has written since are left as they are, for which the plan looks for nothing at the end.
UPDATE {journal}.backfill AS b SET passes = 0, walked = false, last_key = NULL, updated_at = clock_timestamp()
FROM {journal}.migration AS m, json_array_elements(m.plan -> 'steps') AS walk, {journal}.step AS s
WHERE b.version = %(version)s AND m.version = b.version AND walk ->> 'id' = b.step
    AND (%(step)s::text IS NULL OR b.step = %(step)s)
    AND s.version = b.version AND s.id = b.step AND s.state IN ('begun', 'failed')
    AND coalesce(json_array_length(walk -> 'work' -> 'prepare_sql'), 0) = 0
    AND walk -> 'work' ->> 'remaining_sql' NOT LIKE '%%WHERE (false AND %%'

-- name: set upper
-- The walk that begins anew goes up to here.
UPDATE {journal}.backfill SET passes = 1, upper_key = %(upper)s::text[], walked = %(upper)s::text[] IS NULL
WHERE version = %(version)s AND step = %(step)s

-- name: skip
-- A locked row, to be swept later.
INSERT INTO {journal}.skipped (version, step, key) VALUES (%(version)s, %(step)s, %(key)s::text[])
ON CONFLICT DO NOTHING

-- name: skipped keys
-- Rows to be swept after this key, some at a time.
SELECT key FROM {journal}.skipped
WHERE version = %(version)s AND step = %(step)s AND (%(after)s::text[] IS NULL OR key > %(after)s::text[])
ORDER BY key LIMIT %(limit)s

-- name: skipped count
-- Rows to be swept.
SELECT count(*) FROM {journal}.skipped WHERE version = %(version)s AND step = %(step)s

-- name: swept
-- A row is swept, in its own transaction.
WITH gone AS (DELETE FROM {journal}.skipped WHERE version = %(version)s AND step = %(step)s AND key = %(key)s::text[])
UPDATE {journal}.backfill SET rows_done = rows_done + %(rows)s, updated_at = clock_timestamp()
WHERE version = %(version)s AND step = %(step)s
