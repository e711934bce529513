-- What tells one definition of a relation from another: its digest, and its stamp, which costs a tenth of that.
-- Each is one query text; both are bodies of functions that the engine installs in the journal's schema, and that of the
-- digest is used as it is too.

-- name: settings
-- The settings under which definitions are turned into text. pg_get_*def() and format_type() leave out a schema that is
-- in the search_path, and constants are printed by the output functions of their types. They become SET LOCAL around
-- the query, and the SET clauses of the function. Compiling a query over catalogs takes longer than running it.
SET search_path TO pg_catalog, pg_temp
SET quote_all_identifiers TO off
SET DateStyle TO 'ISO, YMD'
SET IntervalStyle TO 'postgres'
SET TimeZone TO 'UTC'
SET bytea_output TO 'hex'
SET extra_float_digits TO 1
SET lc_monetary TO 'C'
SET xmlbinary TO 'base64'
SET jit TO off

-- name: function
-- The query as a function of the journal's schema: `fingerprints(schemas, names)`. It waits, under the caller's
-- lock_timeout, for a relation that another session holds in ACCESS EXCLUSIVE mode.
CREATE OR REPLACE FUNCTION {journal}.fingerprints(schemas text[], names text[])
RETURNS TABLE (schema_name text, relation_name text, digest text)
LANGUAGE sql STABLE PARALLEL UNSAFE
{settings}
AS $fingerprint$
{query}
$fingerprint$

-- name: digests
-- For each relation named (parameters: schemas text[], names text[], in pairs): its schema, its name, and the digest of
-- its definition, NULL where there is no such relation. What belongs to the definition of a relation is listed here, and
-- nothing else does: not its OIDs, owner, privileges, statistics, storage parameters, nor what others have to it (foreign
-- keys, views, partitions). JSON keeps the parts apart; sha256 exists where md5 is forbidden (FIPS).
SELECT wanted.schema_name, wanted.relation_name, CASE WHEN c.oid IS NOT NULL THEN encode(sha256(convert_to(json_build_array(
    c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,

    -- The columns in their order, dropped ones and their gaps left out.
    (SELECT json_agg(json_build_array(
            a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
            a.attidentity, a.attgenerated, coll_schema.nspname, coll.collname) ORDER BY a.attnum)
        FROM pg_attribute AS a
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_collation AS coll ON coll.oid = a.attcollation
        LEFT JOIN pg_namespace AS coll_schema ON coll_schema.oid = coll.collnamespace
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('i', 'I')),

    (SELECT json_agg(json_build_array(con.conname, con.contype, pg_get_constraintdef(con.oid), con.convalidated)
            ORDER BY con.conname)
        FROM pg_constraint AS con WHERE con.conrelid = c.oid),

    (SELECT json_agg(pg_get_indexdef(i.indexrelid) ORDER BY index_class.relname)
        FROM pg_index AS i JOIN pg_class AS index_class ON index_class.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisvalid),

    -- Of an index: itself.
    (SELECT json_build_array(pg_get_indexdef(i.indexrelid), i.indisvalid)
        FROM pg_index AS i WHERE i.indexrelid = c.oid),

    (SELECT json_agg(json_build_array(t.tgname, pg_get_triggerdef(t.oid), t.tgenabled) ORDER BY t.tgname)
        FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),

    -- Of a view its query is the rule _RETURN.
    (SELECT json_agg(json_build_array(r.rulename, pg_get_ruledef(r.oid), r.ev_enabled) ORDER BY r.rulename)
        FROM pg_rewrite AS r WHERE r.ev_class = c.oid),

    (SELECT json_agg(json_build_array(
            p.polname, p.polcmd, p.polpermissive,
            (SELECT json_agg(CASE granted WHEN 0 THEN 'public' ELSE pg_get_userbyid(granted) END
                    ORDER BY pg_get_userbyid(granted)) FROM unnest(p.polroles) AS granted),
            pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) ORDER BY p.polname)
        FROM pg_policy AS p WHERE p.polrelid = c.oid),

    -- Partitioning and inheritance.
    CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END,
    pg_get_expr(c.relpartbound, c.oid),
    (SELECT json_agg(json_build_array(parent_schema.nspname, parent.relname) ORDER BY h.inhseqno)
        FROM pg_inherits AS h JOIN pg_class AS parent ON parent.oid = h.inhparent
        JOIN pg_namespace AS parent_schema ON parent_schema.oid = parent.relnamespace
        WHERE h.inhrelid = c.oid),

    (SELECT json_build_array(format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
            s.seqcycle)
        FROM pg_sequence AS s WHERE s.seqrelid = c.oid)
    )::text, getdatabaseencoding())), 'hex') END AS digest
FROM unnest($1::text[], $2::text[]) AS wanted (schema_name, relation_name)
LEFT JOIN pg_namespace AS n ON n.nspname = wanted.schema_name
LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.relation_name

-- name: quick settings
-- The settings of functions that are called under a strong lock: plans are made once in a session and kept.
SET search_path TO pg_catalog, pg_temp
SET plan_cache_mode TO force_generic_plan
SET jit TO off

-- name: stamps function
-- `stamps(schemas, names)`: rows like those of `fingerprints`, with 'absent' where there is no such relation. It turns
-- nothing into text, opens no relation and waits for nobody.
CREATE OR REPLACE FUNCTION {journal}.stamps(schemas text[], names text[])
RETURNS TABLE (schema_name text, relation_name text, stamp text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
{settings}
AS $stamps$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    {query};
END
$stamps$

-- name: stamps
-- For each relation named: a value that is another one after any change of the catalog rows that make up its definition.
-- Rows that only change with the definition are told by their OID and xmin: no committed row has both from another one,
-- and a rewrite of the catalog (VACUUM FULL) keeps both. Of rows that change for other reasons too (GRANT, statistics,
-- storage parameters) the columns that count are taken; of indexes also indisvalid, which 13 sets in place.
-- What the definition only refers to has no part in it: names of types, functions, roles and other relations.
SELECT w.schema_name, w.relation_name, CASE WHEN c.oid IS NULL THEN 'absent' ELSE encode(sha256(convert_to(concat_ws('|',
    c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relpartbound,

    CASE WHEN c.relkind NOT IN ('i', 'I') THEN (SELECT string_agg(s.row, ';') FROM (
        SELECT concat_ws(',', a.attnum, quote_ident(a.attname), a.atttypid, a.atttypmod, a.attnotnull, a.attidentity,
            a.attgenerated, a.attcollation) AS row
        FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS s) END,
    'default', CASE WHEN c.relkind NOT IN ('i', 'I') THEN (SELECT string_agg(s.row, ';') FROM (
        SELECT d.oid || ',' || d.xmin::text AS row
        FROM pg_attrdef AS d WHERE d.adrelid = c.oid ORDER BY d.adnum) AS s) END,
    'constraint', CASE WHEN c.relkind NOT IN ('i', 'I') THEN (SELECT string_agg(s.row, ';') FROM (
        SELECT k.oid || ',' || k.xmin::text AS row
        FROM pg_constraint AS k WHERE k.conrelid = c.oid ORDER BY k.contypid, k.conname) AS s) END,

    -- relhasindex, relhastriggers and relhasrules may be true for nothing, and are never false for nothing.
    'index', CASE WHEN c.relhasindex THEN (SELECT string_agg(
            concat_ws(',', i.indexrelid, i.xmin, quote_ident(x.relname), x.reloptions), ';' ORDER BY i.indexrelid)
        FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisvalid) END,
    'itself', CASE WHEN c.relkind IN ('i', 'I') THEN (SELECT concat_ws(',', i.xmin, i.indisvalid, c.reloptions)
        FROM pg_index AS i WHERE i.indexrelid = c.oid) END,
    'trigger', CASE WHEN c.relhastriggers THEN (SELECT string_agg(t.oid || ',' || t.xmin::text, ';' ORDER BY t.oid)
        FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) END,
    'rule', CASE WHEN c.relhasrules THEN (SELECT string_agg(r.oid || ',' || r.xmin::text, ';' ORDER BY r.oid)
        FROM pg_rewrite AS r WHERE r.ev_class = c.oid) END,
    'policy', CASE WHEN c.relkind IN ('r', 'p') THEN (SELECT string_agg(s.row, ';') FROM (
        SELECT p.oid || ',' || p.xmin::text AS row
        FROM pg_policy AS p WHERE p.polrelid = c.oid ORDER BY p.polname) AS s) END,
    'parent', CASE WHEN c.relkind IN ('r', 'p', 'f') THEN (SELECT string_agg(s.row, ';') FROM (
        SELECT h.inhparent::text AS row
        FROM pg_inherits AS h WHERE h.inhrelid = c.oid ORDER BY h.inhseqno) AS s) END,
    'sequence', CASE WHEN c.relkind = 'S' THEN (SELECT q.xmin::text FROM pg_sequence AS q WHERE q.seqrelid = c.oid) END
    ), 'UTF8')), 'hex') END
FROM unnest(schemas, names) AS w (schema_name, relation_name)
-- OFFSET keeps the planner, which knows nothing of the arrays, from reading all of pg_class for a hash.
LEFT JOIN LATERAL (
    SELECT k.oid, k.relkind, k.relpersistence, k.relrowsecurity, k.relforcerowsecurity, k.relpartbound, k.relhasindex,
        k.relhastriggers, k.relhasrules, k.reloptions
    FROM pg_class AS k
    WHERE k.relname = w.relation_name
        AND k.relnamespace = (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = w.schema_name)
    OFFSET 0
) AS c ON true
