-- The digest of a relation's definition. One query text, used as it is and as the body of a function that the engine
-- installs in the journal's schema.

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
