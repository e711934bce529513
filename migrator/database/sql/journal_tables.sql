-- The journal's own tables. docs/journal.md describes them for people; this file is what runs.
-- Every table has a primary key, so that a publication FOR ALL TABLES can carry it.

-- name: schema
-- The schema; only where it is absent, so that one made beforehand by an administrator will do.
CREATE SCHEMA {journal}

-- name: tables
-- Everything in form 1, in one transaction.
CREATE TABLE {journal}.format (
    id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    version integer NOT NULL,
    functions text NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE {journal}.format IS 'The form of this journal; one row. functions: digest of the definitions of its functions.';

CREATE TABLE {journal}.control (
    id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    paused boolean NOT NULL DEFAULT false,
    reason text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    disposable boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE {journal}.control IS 'migrate pause and migrate resume; one row, read before each step and batch. disposable: begun in a disposable environment, and no other has run migrations since.';

CREATE TABLE {journal}.run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    outcome text,
    os_user text,
    role text NOT NULL DEFAULT current_user,
    host text,
    tool_version text NOT NULL,
    commit text,
    ci_url text,
    live boolean NOT NULL DEFAULT true,
    versions text[] NOT NULL DEFAULT '{{}}'
);
COMMENT ON TABLE {journal}.run IS 'Each run of migrate apply or contract; ended_at stays NULL where it was killed. live: the database was in use when it began. versions: files that it set out to begin.';

CREATE TABLE {journal}.session (
    pid integer NOT NULL,
    backend_start timestamptz NOT NULL,
    run bigint NOT NULL REFERENCES {journal}.run (id) ON DELETE CASCADE,
    purpose text NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    version text,
    lease bigint,
    PRIMARY KEY (pid, backend_start)
);
COMMENT ON TABLE {journal}.session IS 'Server processes that work for a run; a successor makes sure that they are gone. version: the migration whose table it walks without the runner lock. lease: the key of the advisory lock that it holds meanwhile.';

CREATE TABLE {journal}.migration (
    version text PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    file text NOT NULL,
    state text NOT NULL
        CHECK (state IN ('begun', 'waiting', 'failed', 'applied', 'baselined', 'rolled_back')),
    plan json,
    checksums text[] NOT NULL,
    live boolean NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    error text
);
COMMENT ON TABLE {journal}.migration IS 'Migrations that have begun, with the plan that each began with and goes on with.';

CREATE TABLE {journal}.step (
    version text NOT NULL REFERENCES {journal}.migration (version) ON DELETE CASCADE,
    id text NOT NULL,
    state text NOT NULL CHECK (state IN ('begun', 'done', 'failed', 'resolved')),
    phase text NOT NULL,
    title text NOT NULL,
    run bigint,
    pid integer,
    backend_start timestamptz,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    error text,
    waits_for text,
    PRIMARY KEY (version, id)
);
COMMENT ON TABLE {journal}.step IS 'Steps that have begun. The row of a done step was written by the step''s own transaction.';

CREATE TABLE {journal}.attempt (
    version text NOT NULL,
    step text NOT NULL,
    number integer NOT NULL,
    run bigint NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome text NOT NULL,
    lock_attempts integer NOT NULL,
    error text,
    PRIMARY KEY (version, step, number),
    FOREIGN KEY (version, step) REFERENCES {journal}.step (version, id) ON DELETE CASCADE
);
COMMENT ON TABLE {journal}.attempt IS 'What each run''s try of a step came to; lock_attempts: how often it asked for its locks.';

CREATE TABLE {journal}.backfill (
    version text NOT NULL,
    step text NOT NULL,
    upper_key text[],
    last_key text[],
    bound_values text[] NOT NULL,
    rows_done bigint NOT NULL DEFAULT 0,
    batch_rows integer NOT NULL,
    estimated_rows bigint,
    passes integer NOT NULL DEFAULT 1,
    walked boolean NOT NULL DEFAULT false,
    rate double precision,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (version, step),
    FOREIGN KEY (version, step) REFERENCES {journal}.step (version, id) ON DELETE CASCADE
);
COMMENT ON TABLE {journal}.backfill IS 'Checkpoints: written by the transaction of each batch. rate: rows a second, smoothed.';

CREATE TABLE {journal}.skipped (
    version text NOT NULL,
    step text NOT NULL,
    key text[] NOT NULL,
    PRIMARY KEY (version, step, key),
    FOREIGN KEY (version, step) REFERENCES {journal}.backfill (version, step) ON DELETE CASCADE
);
COMMENT ON TABLE {journal}.skipped IS 'Keys of rows that others held locked when their batch went by; swept at the end.';

CREATE TABLE {journal}.fingerprint (
    version text NOT NULL REFERENCES {journal}.migration (version) ON DELETE CASCADE,
    schema_name text NOT NULL,
    relation_name text NOT NULL,
    digest text,
    stamp text,
    step text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (version, schema_name, relation_name)
);
COMMENT ON TABLE {journal}.fingerprint IS 'Definitions that the next step expects: as planned, then as left by the last step. digest NULL: absent. stamp: of what a step left whose digest has yet to be computed.';

CREATE TABLE {journal}.event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    version text,
    run bigint,
    os_user text,
    role text NOT NULL DEFAULT current_user,
    host text,
    tool_version text,
    commit text,
    ci_url text,
    details jsonb NOT NULL DEFAULT '{{}}'
);
COMMENT ON TABLE {journal}.event IS 'What happened, who did it and from where; never changed afterwards.';

INSERT INTO {journal}.format (version, functions) VALUES (1, '');
INSERT INTO {journal}.control DEFAULT VALUES;

CREATE VIEW {journal}.progress AS
SELECT m.version AS migration, m.name, planned.step ->> 'id' AS step, planned.step ->> 'phase' AS phase,
    planned.step ->> 'title' AS title, coalesce(s.state, 'pending') AS state,
    b.rows_done, b.estimated_rows,
    CASE
        WHEN s.state IN ('done', 'resolved') THEN 100.0
        WHEN b.estimated_rows > 0 THEN round(least(100.0 * b.rows_done / b.estimated_rows, 99.9)::numeric, 1)
        ELSE round(build.percent, 1)
    END AS percent,
    CASE WHEN s.state = 'begun' THEN round(b.rate::numeric, 1) END AS rate,
    CASE
        WHEN s.state = 'begun' AND b.rate > 0 AND b.estimated_rows IS NOT NULL
        THEN round((greatest(b.estimated_rows - b.rows_done, 0) / b.rate)::numeric, 1)
    END AS eta_s,
    runner.pid AS runner_pid, runner.host AS runner_host,
    CASE
        WHEN s.state IN ('done', 'resolved') THEN NULL
        WHEN m.state = 'waiting' THEN 'migrate contract ' || m.version
        WHEN s.state = 'failed' THEN s.error
        WHEN s.state = 'begun' AND runner.pid IS NULL AND build.pid IS NOT NULL
        THEN 'the next run; server process ' || build.pid || ' goes on meanwhile'
        WHEN s.state = 'begun' AND runner.pid IS NULL THEN 'the next run'
        WHEN s.state = 'begun' AND control.paused THEN 'migrate resume'
        WHEN s.state = 'begun' THEN s.waits_for
    END AS waits_for,
    build.stage
FROM {journal}.migration AS m
CROSS JOIN {journal}.control
CROSS JOIN LATERAL json_array_elements(m.plan -> 'steps') WITH ORDINALITY AS planned (step, number)
LEFT JOIN {journal}.step AS s ON s.version = m.version AND s.id = planned.step ->> 'id'
LEFT JOIN {journal}.backfill AS b ON b.version = s.version AND b.step = s.id
LEFT JOIN LATERAL (
    SELECT o.pid, r.host
    FROM {journal}.session AS o
    JOIN {journal}.run AS r ON r.id = o.run
    JOIN pg_catalog.pg_stat_activity AS a ON a.pid = o.pid AND a.backend_start = o.backend_start
    WHERE o.run = s.run AND s.state = 'begun' AND o.purpose <> 'build'
    ORDER BY o.began_at LIMIT 1
) AS runner ON true
LEFT JOIN LATERAL (
    SELECT part.pid, p.phase AS stage,
        CASE WHEN p.tuples_total > 0 THEN 100.0 * p.tuples_done / p.tuples_total
            WHEN p.blocks_total > 0 THEN 100.0 * p.blocks_done / p.blocks_total
        END AS percent
    FROM {journal}.step AS part  -- the step itself, or what it does for a partition
    JOIN pg_catalog.pg_stat_activity AS a ON a.pid = part.pid AND a.backend_start = part.backend_start
    LEFT JOIN pg_catalog.pg_stat_progress_create_index AS p ON p.pid = part.pid
    WHERE part.version = s.version AND (part.id = s.id OR left(part.id, length(s.id) + 1) = s.id || '/')
        AND s.state = 'begun' AND part.state = 'begun' AND a.state = 'active'
    ORDER BY p.pid LIMIT 1
) AS build ON true
WHERE m.state IN ('begun', 'waiting', 'failed')
ORDER BY m.position, planned.number;
COMMENT ON VIEW {journal}.progress IS 'Steps of unfinished migrations: state, rows, rate (rows/s), ETA (s), who runs them, what they wait for; stage: of an index that is being built.'

-- name: objects
-- Its relations in that schema, and those that are not there.
SELECT count(found), coalesce(array_agg(name ORDER BY name) FILTER (WHERE found IS NULL), '{{}}')
FROM (
    SELECT name, to_regclass(quote_ident(%(schema)s) || '.' || name) AS found
    FROM (VALUES ('format'), ('control'), ('run'), ('session'), ('migration'), ('step'), ('attempt'), ('backfill'),
        ('skipped'), ('fingerprint'), ('event'), ('progress')) AS expected (name)
) AS looked_for

-- name: schema exists
-- Whether there is a schema of that name.
SELECT to_regnamespace(quote_ident(%(schema)s)) IS NOT NULL

-- name: format
-- The form of the journal, the digest of its functions, and whether all of them are there.
SELECT version, functions, 5 = (
    SELECT count(DISTINCT p.proname) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = %(schema)s AND p.proname IN ('fingerprints', 'stamps', 'check_stamps', 'end_step', 'look'))
FROM {journal}.format

-- name: set functions
-- Note which functions were installed.
UPDATE {journal}.format SET functions = %(functions)s

-- name: renew fingerprints
-- Compute again what unfinished migrations expect, because another form of the function gives other digests.
UPDATE {journal}.fingerprint AS f SET digest = n.digest, stamp = NULL
FROM {journal}.migration AS m
JOIN {journal}.fingerprint AS g ON g.version = m.version
CROSS JOIN LATERAL {journal}.fingerprints(ARRAY[g.schema_name], ARRAY[g.relation_name]) AS n
WHERE g.version = f.version AND g.schema_name = f.schema_name AND g.relation_name = f.relation_name AND m.state IN ('begun', 'waiting', 'failed')
