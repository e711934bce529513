-- Functions of the journal's schema: what is asked and written while a strong lock is held is one call with a kept plan.

-- name: check stamps
-- Fails (MG001) where a relation has not the stamp that it had when its definition was looked at.
CREATE OR REPLACE FUNCTION {journal}.check_stamps(schemas text[], names text[], looked text[]) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
{settings}
AS $check_stamps$
#variable_conflict use_column
DECLARE
    changed text;
BEGIN
    SELECT string_agg(s.schema_name || '.' || s.relation_name, ', ') INTO changed
    FROM {journal}.stamps(schemas, names) AS s
    JOIN unnest(schemas, names, looked) AS w (schema_name, relation_name, stamp) USING (schema_name, relation_name)
    WHERE s.stamp <> w.stamp;
    IF changed IS NOT NULL THEN
        RAISE EXCEPTION 'changed since it was looked at: %', changed USING ERRCODE = 'MG001';
    END IF;
END
$check_stamps$

-- name: end step
-- A step is done, with this run's try of it. In a transactional step this is part of its own transaction. Of every
-- relation known to the migration, and of those named, the stamp that the step left is written down; for NULL of none.
-- With NULL for the version it only makes its plans.
CREATE OR REPLACE FUNCTION {journal}.end_step(
    of_version text, of_step text, of_run bigint, tries integer, seconds double precision, schemas text[], names text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
{settings}
AS $end_step$
#variable_conflict use_column
BEGIN
    UPDATE {journal}.step AS s
    SET state = 'done', finished_at = clock_timestamp(), attempts = s.attempts + tries, error = NULL, waits_for = NULL
    WHERE s.version = of_version AND s.id = of_step;

    INSERT INTO {journal}.attempt (version, step, number, run, began_at, outcome, lock_attempts)
    SELECT s.version, s.id,
        (SELECT coalesce(max(a.number), 0) + 1 FROM {journal}.attempt AS a WHERE a.version = s.version AND a.step = s.id),
        of_run, clock_timestamp() - make_interval(secs => seconds), 'done', tries
    FROM {journal}.step AS s WHERE s.version = of_version AND s.id = of_step;

    IF schemas IS NOT NULL THEN
        INSERT INTO {journal}.fingerprint AS f (version, schema_name, relation_name, stamp, step)
        SELECT of_version, n.schema_name, n.relation_name, n.stamp, of_step
        FROM (
            SELECT array_agg(w.schema_name) AS schemas, array_agg(w.relation_name) AS names
            FROM (
                SELECT k.schema_name, k.relation_name FROM {journal}.fingerprint AS k WHERE k.version = of_version
                UNION SELECT * FROM unnest(schemas, names)
            ) AS w (schema_name, relation_name)
        ) AS known, {journal}.stamps(known.schemas, known.names) AS n
        WHERE of_version IS NOT NULL
        ON CONFLICT (version, schema_name, relation_name) DO UPDATE
        SET stamp = excluded.stamp, step = excluded.step, at = clock_timestamp();
    END IF;
END
$end_step$

-- name: look
-- Compares the definitions of a migration's relations (of those named, or all for NULL) with what is expected, and accepts
-- what a step left where the stamp is still the one that it wrote down. One row for each: whether it is as expected; its
-- stamp; whether that stayed the same meanwhile, without which nothing else counts; the step that left it where nobody
-- knows how; whether it should be absent, whether it is. Each query in here sees what was committed before it.
CREATE OR REPLACE FUNCTION {journal}.look(of_version text, of_schemas text[], of_names text[])
RETURNS TABLE (schema_name text, relation_name text, as_expected boolean, stamp text, steady boolean, left_by text,
    was_absent boolean, is_absent boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
{settings}
AS $look$
#variable_conflict use_column
DECLARE
    schemas text[];
    names text[];
    digests text[];
    before text[];
    after text[];
BEGIN
    SELECT array_agg(f.schema_name ORDER BY f.schema_name COLLATE "C", f.relation_name COLLATE "C"),
        array_agg(f.relation_name ORDER BY f.schema_name COLLATE "C", f.relation_name COLLATE "C")
    INTO schemas, names
    FROM {journal}.fingerprint AS f
    WHERE f.version = of_version AND (of_schemas IS NULL
        OR (f.schema_name, f.relation_name) IN (SELECT * FROM unnest(of_schemas, of_names)));

    SELECT array_agg(s.stamp ORDER BY s.schema_name COLLATE "C", s.relation_name COLLATE "C") INTO before
    FROM {journal}.stamps(schemas, names) AS s;
    SELECT array_agg(d.digest ORDER BY d.schema_name COLLATE "C", d.relation_name COLLATE "C") INTO digests
    FROM {journal}.fingerprints(schemas, names) AS d;
    SELECT array_agg(s.stamp ORDER BY s.schema_name COLLATE "C", s.relation_name COLLATE "C") INTO after
    FROM {journal}.stamps(schemas, names) AS s;

    UPDATE {journal}.fingerprint AS f SET digest = n.digest, stamp = NULL
    FROM unnest(schemas, names, digests, before, after) AS n (schema_name, relation_name, digest, before, after)
    WHERE f.version = of_version AND f.schema_name = n.schema_name AND f.relation_name = n.relation_name
        AND f.stamp = n.before AND n.before = n.after;

    RETURN QUERY
    SELECT n.schema_name, n.relation_name, f.stamp IS NULL AND f.digest IS NOT DISTINCT FROM n.digest, n.before,
        n.before = n.after, CASE WHEN f.stamp IS NOT NULL THEN f.step END, f.stamp IS NULL AND f.digest IS NULL,
        n.digest IS NULL
    FROM unnest(schemas, names, digests, before, after) AS n (schema_name, relation_name, digest, before, after)
    JOIN {journal}.fingerprint AS f
        ON f.version = of_version AND f.schema_name = n.schema_name AND f.relation_name = n.relation_name
    ORDER BY n.schema_name COLLATE "C", n.relation_name COLLATE "C";
END
$look$
