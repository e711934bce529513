-- Reading the facts of a database from its catalogs. Every query is set-based: one round trip for all relations.
--
-- Parameters, wherever they appear: $1 oid[] the relations asked about; $2 oid[] those of them that cannot be opened
-- without waiting. Functions that open a relation (pg_get_expr, pg_get_indexdef, pg_relation_size, …) are not called for
-- these. Lists are JSON arrays whose keys are the field names of migrator/postgres/facts.py.

-- name: begin
-- One snapshot for all queries; it also works on a standby.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: session
-- Server, session, and the settings that change the meaning of DDL or of an UPDATE: how types are read and written as text,
-- where names are looked for, where and how tables are stored, whether function bodies are checked.
SELECT current_setting('server_version_num')::int, current_database()::text, current_user::text,
    current_schemas(false)::text[],
    (SELECT json_agg(json_build_array(name, current_setting(name, true)) ORDER BY position)
        FROM unnest(ARRAY[
            'search_path', 'TimeZone', 'timezone_abbreviations', 'DateStyle', 'IntervalStyle', 'bytea_output',
            'extra_float_digits', 'xmlbinary', 'xmloption', 'array_nulls', 'transform_null_equals',
            'default_text_search_config', 'default_tablespace', 'default_table_access_method',
            'default_toast_compression', 'check_function_bodies'
        ]) WITH ORDINALITY AS wanted (name, position)
        WHERE current_setting(name, true) IS NOT NULL)::text

-- name: names
-- The user relations: no system schemas, no temporary tables, not the schema of our journal ($1).
SELECT c.oid, n.nspname::text, c.relname::text
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.relpersistence <> 't'
    AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND n.nspname <> $1
ORDER BY 2, 3

-- name: locked
-- Relations that cannot be opened now because another session holds or awaits ACCESS EXCLUSIVE (whoever comes later
-- waits behind it): these, the tables of such TOAST tables, and the views over them, whose deparsing opens them too.
WITH held AS (
    SELECT DISTINCT relation FROM pg_locks
    WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT relation FROM held
UNION
SELECT c.oid FROM pg_class AS c JOIN held ON held.relation = c.reltoastrelid
UNION
SELECT r.ev_class
FROM held
JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = held.relation
    AND d.classid = 'pg_rewrite'::regclass
JOIN pg_rewrite AS r ON r.oid = d.objid

-- name: relations
-- The relations themselves, with what the size of their rows is estimated from.
SELECT c.oid, json_build_object(
        'name', json_build_object('schema', n.nspname, 'name', c.relname),
        'kind', c.relkind,
        'owner', pg_get_userbyid(c.relowner),
        'unlogged', c.relpersistence = 'u',
        'inserters', (
            SELECT coalesce(json_agg(DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC'
                ELSE pg_get_userbyid(acl.grantee)::text END), '[]')
            FROM aclexplode(c.relacl) AS acl WHERE acl.privilege_type = 'INSERT' AND acl.grantee <> c.relowner),
        'extension', (
            SELECT x.extname FROM pg_depend AS d JOIN pg_extension AS x ON x.oid = d.refobjid
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'
                AND d.refclassid = 'pg_extension'::regclass LIMIT 1),
        'owned_by_column', (
            SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = owned.refobjid AND a.attnum = owned.refobjsubid),
        'row_security', c.relrowsecurity,
        'force_row_security', c.relforcerowsecurity,
        'policies', (
            SELECT coalesce(json_agg(p.polname ORDER BY p.polname), '[]') FROM pg_policy AS p WHERE p.polrelid = c.oid),
        'populated', c.relispopulated,
        'partition_strategy', coalesce(part.partstrat::text, ''),
        'plain_partition_key', part.partrelid IS NOT NULL AND 0 <> ALL (part.partattrs::int2[]) AND NOT EXISTS (
            SELECT FROM unnest(part.partattrs::int2[], part.partclass::oid[], part.partcollation::oid[])
                AS k (attnum, opclass, collation_oid)
            JOIN pg_attribute AS a ON a.attrelid = part.partrelid AND a.attnum = k.attnum
            JOIN pg_opclass AS o ON o.oid = k.opclass
            WHERE NOT o.opcdefault OR a.attcollation <> k.collation_oid),
        'default_partition', CASE WHEN dflt.oid IS NOT NULL
            THEN json_build_object('schema', dflt_schema.nspname, 'name', dflt.relname) END,
        'tablespace', space.spcname,
        'access_method', CASE WHEN c.relkind = 'p' THEN am.amname END,
        'unread', c.oid = ANY ($2::oid[])
    )::text, c.reltuples::float8, c.relpages
FROM pg_class AS c
JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = c.oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_partitioned_table AS part ON part.partrelid = c.oid
LEFT JOIN pg_class AS dflt ON dflt.oid = part.partdefid
LEFT JOIN pg_namespace AS dflt_schema ON dflt_schema.oid = dflt.relnamespace
LEFT JOIN pg_tablespace AS space ON space.oid = c.reltablespace
LEFT JOIN pg_am AS am ON am.oid = c.relam
LEFT JOIN pg_depend AS owned ON owned.classid = 'pg_class'::regclass AND owned.objid = c.oid AND owned.objsubid = 0
    AND owned.refclassid = 'pg_class'::regclass AND owned.refobjsubid > 0 AND owned.deptype IN ('a', 'i')
    AND c.relkind = 'S'
ORDER BY n.nspname, c.relname

-- name: sizes
-- Bytes of the main fork and of the TOAST table, as the file system has them: pg_class.relpages is only as new as the last
-- VACUUM or ANALYZE. Nothing for what has no storage, and for unlogged tables on a standby, whose files are not there.
SELECT c.oid, pg_relation_size(c.oid),
    CASE WHEN c.reltoastrelid <> 0 THEN pg_relation_size(c.reltoastrelid) ELSE 0 END,
    current_setting('block_size')::int
FROM pg_class AS c JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = c.oid
WHERE c.relkind IN ('r', 'm') AND c.oid <> ALL ($2::oid[])
    AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())

-- name: columns
-- Columns in their order, without those of sequences. A domain counts as constrained when it, or a domain it is over,
-- is NOT NULL or has a CHECK. A collation is named where it is not the type's own.
WITH RECURSIVE link (domain, oid, base, constrained) AS (
    SELECT t.oid, t.oid, t.typbasetype,
        t.typnotnull OR EXISTS (SELECT FROM pg_constraint WHERE contypid = t.oid)
    FROM pg_type AS t WHERE t.typtype = 'd'
    UNION ALL
    SELECT link.domain, t.oid, t.typbasetype,
        t.typnotnull OR EXISTS (SELECT FROM pg_constraint WHERE contypid = t.oid)
    FROM link JOIN pg_type AS t ON t.oid = link.base WHERE t.typtype = 'd'
), constrained AS (
    SELECT DISTINCT domain FROM link WHERE constrained
)
SELECT a.attrelid, json_agg(json_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'not_null', a.attnotnull,
        'default', CASE WHEN a.attrelid <> ALL ($2::oid[]) THEN pg_get_expr(d.adbin, d.adrelid) END,
        'generated', a.attgenerated::text,
        'identity', a.attidentity::text,
        'collation', CASE WHEN a.attcollation <> t.typcollation THEN
            CASE WHEN coll_schema.nspname <> 'pg_catalog' THEN quote_ident(coll_schema.nspname) || '.' ELSE '' END
                || quote_ident(coll.collname) END,
        'domain_constrained', constrained.domain IS NOT NULL
    ) ORDER BY a.attnum)::text
FROM pg_attribute AS a
JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = a.attrelid
JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind <> 'S'
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation AS coll ON coll.oid = a.attcollation
LEFT JOIN pg_namespace AS coll_schema ON coll_schema.oid = coll.collnamespace
LEFT JOIN constrained ON constrained.domain = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped
GROUP BY a.attrelid

-- name: constraints
-- Constraints of tables, NOT NULL ones included where the server lists them (18).
SELECT con.conrelid, json_agg(json_build_object(
        'name', con.conname,
        'kind', con.contype,
        'columns', coalesce((
            SELECT json_agg(a.attname ORDER BY k.position)
            FROM unnest(con.conkey) WITH ORDINALITY AS k (attnum, position)
            JOIN pg_attribute AS a ON a.attrelid = con.conrelid AND a.attnum = k.attnum), '[]'),
        'definition', CASE WHEN con.conrelid <> ALL ($2::oid[]) THEN pg_get_constraintdef(con.oid) ELSE '' END,
        'validated', con.convalidated,
        'references', CASE WHEN parent.oid IS NOT NULL
            THEN json_build_object('schema', parent_schema.nspname, 'name', parent.relname) END,
        'referenced_columns', coalesce((
            SELECT json_agg(a.attname ORDER BY k.position)
            FROM unnest(con.confkey) WITH ORDINALITY AS k (attnum, position)
            JOIN pg_attribute AS a ON a.attrelid = con.confrelid AND a.attnum = k.attnum), '[]'),
        'index', CASE WHEN con.contype IN ('p', 'u', 'x') THEN index_class.relname END,
        'inherited', con.coninhcount > 0 OR con.conparentid <> 0,
        'comment', comment.description
    ) ORDER BY con.conname)::text
FROM pg_constraint AS con
LEFT JOIN pg_description AS comment ON comment.classoid = 'pg_constraint'::regclass AND comment.objoid = con.oid
    AND comment.objsubid = 0
JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = con.conrelid
LEFT JOIN pg_class AS parent ON parent.oid = con.confrelid
LEFT JOIN pg_namespace AS parent_schema ON parent_schema.oid = parent.relnamespace
LEFT JOIN pg_class AS index_class ON index_class.oid = con.conindid
GROUP BY con.conrelid

-- name: indexes
-- Indexes. `mentions` comes from the dependencies of expressions and predicates, except that a reference to the whole row
-- leaves none: it mentions every column. Bytes are those of the last VACUUM, ANALYZE or build.
SELECT i.indrelid, json_agg(json_build_object(
        'name', c.relname,
        'keys', listed.keys,
        'included', coalesce(listed.included, '[]'),
        'unique', i.indisunique,
        'primary', i.indisprimary,
        'valid', i.indisvalid,
        'method', am.amname,
        'predicate', CASE WHEN i.indrelid <> ALL ($2::oid[]) THEN pg_get_expr(i.indpred, i.indrelid) END,
        'definition', CASE WHEN i.indrelid <> ALL ($2::oid[]) THEN pg_get_indexdef(i.indexrelid) ELSE '' END,
        'constraint', con.conname,
        'replica_identity', i.indisreplident,
        'bytes', c.relpages::int8 * current_setting('block_size')::int,
        'mentions', CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL THEN listed.columns ELSE mentioned.columns END,
        'comment', comment.description,
        'special', c.relispartition OR c.reltablespace <> 0 OR i.indisclustered OR EXISTS (
            SELECT FROM pg_attribute AS a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0)
    ) ORDER BY c.relname)::text
FROM pg_index AS i
JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = i.indrelid
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS am ON am.oid = c.relam
LEFT JOIN pg_description AS comment ON comment.classoid = 'pg_class'::regclass AND comment.objoid = i.indexrelid
    AND comment.objsubid = 0
LEFT JOIN pg_constraint AS con ON con.conindid = i.indexrelid AND con.contype IN ('p', 'u', 'x')
    AND con.conrelid = i.indrelid
CROSS JOIN LATERAL (
    SELECT json_agg(a.attname ORDER BY k.position) FILTER (WHERE k.position <= i.indnkeyatts) AS keys,
        json_agg(a.attname ORDER BY k.position) FILTER (WHERE k.position > i.indnkeyatts) AS included,
        json_agg(a.attname ORDER BY k.position) AS columns
    FROM unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
    LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
) AS listed
CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]') AS columns
    FROM pg_attribute AS a
    WHERE (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
        AND a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped AND (
            a.attnum = ANY (i.indkey)
            OR concat(i.indexprs::text, i.indpred::text) LIKE '%:varattno 0 %'
            OR EXISTS (
                SELECT FROM pg_depend AS d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
                    AND d.refobjsubid = a.attnum))
) AS mentioned
GROUP BY i.indrelid

-- name: triggers
-- Triggers that people made.
SELECT t.tgrelid, json_agg(json_build_object(
        'name', t.tgname,
        'definition', CASE WHEN t.tgrelid <> ALL ($2::oid[]) THEN pg_get_triggerdef(t.oid) ELSE '' END,
        'function', json_build_object('schema', n.nspname, 'name', p.proname),
        'enabled', t.tgenabled
    ) ORDER BY t.tgname)::text
FROM pg_trigger AS t
JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = t.tgrelid
JOIN pg_proc AS p ON p.oid = t.tgfoid
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE NOT t.tgisinternal
GROUP BY t.tgrelid

-- name: rules
-- Names of rules, other than the one that makes a view a view.
SELECT r.ev_class, json_agg(r.rulename ORDER BY r.rulename)::text
FROM pg_rewrite AS r JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = r.ev_class
WHERE r.rulename <> '_RETURN'
GROUP BY r.ev_class

-- name: column_users
-- What makes the server refuse to change the type of a column of a table: views and rules, triggers (UPDATE OF, WHEN),
-- policies, functions with an SQL body (14), publications with a column list or WHERE (15), generated columns. Statistics
-- objects only go with a column that is dropped.
WITH used AS (
    SELECT DISTINCT d.refobjid AS relation, a.attname, d.classid, d.objid, d.objsubid, d.refobjsubid
    FROM pg_depend AS d
    JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = d.refobjid
    JOIN pg_class AS c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'f')
    JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
        AND d.classid IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass,
            'pg_publication_rel'::regclass, 'pg_attrdef'::regclass, 'pg_class'::regclass, 'pg_statistic_ext'::regclass)
), found (relation, attname, kind, owner, name) AS (
    SELECT used.relation, used.attname, CASE WHEN r.rulename = '_RETURN' THEN 'view' ELSE 'rule' END, r.ev_class,
        nullif(r.rulename, '_RETURN')
    FROM used JOIN pg_rewrite AS r ON used.classid = 'pg_rewrite'::regclass AND r.oid = used.objid
    UNION ALL
    SELECT used.relation, used.attname, 'trigger', t.tgrelid, t.tgname
    FROM used JOIN pg_trigger AS t ON used.classid = 'pg_trigger'::regclass AND t.oid = used.objid
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT used.relation, used.attname, 'policy', p.polrelid, p.polname
    FROM used JOIN pg_policy AS p ON used.classid = 'pg_policy'::regclass AND p.oid = used.objid
    UNION ALL
    SELECT used.relation, used.attname, 'publication', pr.prrelid, p.pubname
    FROM used JOIN pg_publication_rel AS pr ON used.classid = 'pg_publication_rel'::regclass AND pr.oid = used.objid
    JOIN pg_publication AS p ON p.oid = pr.prpubid
    UNION ALL
    SELECT used.relation, used.attname, 'statistics object', s.stxrelid, s.stxname
    FROM used JOIN pg_statistic_ext AS s ON used.classid = 'pg_statistic_ext'::regclass AND s.oid = used.objid
    UNION ALL
    SELECT used.relation, used.attname, 'generated column', used.relation, a.attname
    FROM used
    LEFT JOIN pg_attrdef AS d ON used.classid = 'pg_attrdef'::regclass AND d.oid = used.objid
    JOIN pg_attribute AS a ON a.attrelid = used.relation AND a.attgenerated <> '' AND a.attnum <> used.refobjsubid
        AND a.attnum = CASE WHEN used.classid = 'pg_class'::regclass AND used.objid = used.relation
            THEN used.objsubid ELSE d.adnum END
), named (relation, attname, kind, schema, relname, name) AS (
    SELECT found.relation, found.attname, found.kind, n.nspname, c.relname, found.name
    FROM found JOIN pg_class AS c ON c.oid = found.owner JOIN pg_namespace AS n ON n.oid = c.relnamespace
    UNION ALL
    SELECT used.relation, used.attname, 'function', n.nspname, p.proname, NULL
    FROM used JOIN pg_proc AS p ON used.classid = 'pg_proc'::regclass AND p.oid = used.objid
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
)
SELECT relation, json_agg(json_build_object(
        'column', attname,
        'kind', kind,
        'relation', json_build_object('schema', schema, 'name', relname),
        'name', name
    ) ORDER BY attname, kind, schema, relname, name)::text
FROM named
GROUP BY relation

-- name: domains
-- Domains outside the system schemas and the journal's ($1).
SELECT coalesce(json_agg(json_build_object(
        'name', json_build_object('schema', n.nspname, 'name', t.typname),
        'type', format_type(t.typbasetype, t.typtypmod),
        'collation', CASE WHEN t.typcollation <> base.typcollation THEN
            CASE WHEN coll_schema.nspname <> 'pg_catalog' THEN quote_ident(coll_schema.nspname) || '.' ELSE '' END
                || quote_ident(coll.collname) END
    ) ORDER BY n.nspname, t.typname), '[]')::text
FROM pg_type AS t
JOIN pg_type AS base ON base.oid = t.typbasetype
JOIN pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_collation AS coll ON coll.oid = t.typcollation
LEFT JOIN pg_namespace AS coll_schema ON coll_schema.oid = coll.collnamespace
WHERE t.typtype = 'd' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND n.nspname <> $1

-- name: partition_key
-- Columns of partition keys, first those that stand alone, in their order, then those that only expressions mention: the
-- server records these as columns that depend on their own table.
SELECT key.relation, json_agg(a.attname ORDER BY key.position, a.attnum)::text
FROM (
    SELECT p.partrelid, k.attnum::int, min(k.position)
    FROM pg_partitioned_table AS p, unnest(p.partattrs) WITH ORDINALITY AS k (attnum, position)
    WHERE k.attnum <> 0
    GROUP BY p.partrelid, k.attnum
    UNION ALL
    SELECT p.partrelid, d.objsubid, 1000
    FROM pg_partitioned_table AS p
    JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = p.partrelid AND d.objsubid > 0
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.partrelid AND d.refobjsubid = 0
        AND d.deptype = 'i'
    WHERE d.objsubid <> ALL (p.partattrs::int2[])
) AS key (relation, attnum, position)
JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = key.relation
JOIN pg_attribute AS a ON a.attrelid = key.relation AND a.attnum = key.attnum
GROUP BY key.relation

-- name: relatives
-- Which relations stand in what relation to which; the second column names the field.
WITH pairs (relation, field, other, position) AS (
    SELECT DISTINCT confrelid, 'referenced_by', conrelid, 0 FROM pg_constraint WHERE contype = 'f'
    UNION ALL
    SELECT DISTINCT d.refobjid, 'dependents', r.ev_class, 0
    FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid
    JOIN pg_class AS view ON view.oid = r.ev_class AND view.relkind IN ('v', 'm')
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
    UNION ALL
    SELECT h.inhparent, CASE WHEN child.relispartition THEN 'partitions' ELSE 'children' END, h.inhrelid, 0
    FROM pg_inherits AS h JOIN pg_class AS child ON child.oid = h.inhrelid AND child.relkind <> 'I'
        AND child.relkind <> 'i'
    UNION ALL
    SELECT h.inhrelid, CASE WHEN child.relispartition THEN 'partition_of' ELSE 'inherits' END, h.inhparent, h.inhseqno
    FROM pg_inherits AS h JOIN pg_class AS child ON child.oid = h.inhrelid AND child.relkind <> 'I'
        AND child.relkind <> 'i'
    UNION ALL
    SELECT d.objid, 'owned_by', d.refobjid, 0
    FROM pg_depend AS d JOIN pg_class AS owned ON owned.oid = d.objid AND owned.relkind = 'S'
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
        AND d.deptype IN ('a', 'i')
)
SELECT pairs.relation, pairs.field,
    json_agg(json_build_object('schema', n.nspname, 'name', c.relname)
        ORDER BY pairs.position, n.nspname, c.relname)::text
FROM pairs
JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = pairs.relation
JOIN pg_class AS c ON c.oid = pairs.other
JOIN pg_namespace AS n ON n.oid = c.relnamespace
GROUP BY pairs.relation, pairs.field

-- name: needed_by
-- What else depends on a relation or on its row type, so that DROP without CASCADE is refused: not what is part of the
-- relation itself (or, for a sequence, of the table that owns it), not views and foreign keys, which stand elsewhere.
WITH needed (relation, classid, objid, objsubid) AS (
    SELECT d.refobjid, d.classid, d.objid, d.objsubid FROM pg_depend AS d
    WHERE d.refclassid = 'pg_class'::regclass AND d.deptype = 'n' AND d.classid <> 'pg_class'::regclass
    UNION
    SELECT coalesce(nullif(t.typrelid, 0), e.typrelid), d.classid, d.objid, d.objsubid
    FROM pg_depend AS d JOIN pg_type AS t ON t.oid = d.refobjid LEFT JOIN pg_type AS e ON e.oid = t.typelem
    WHERE d.refclassid = 'pg_type'::regclass AND d.deptype = 'n'
        AND coalesce(nullif(t.typrelid, 0), e.typrelid, 0) <> 0
), placed AS (
    SELECT needed.*, p.proname::text AS routine, coalesce(pol.polname, r.rulename, t.typname)::text AS name,
        coalesce(r.ev_class, con.conrelid, def.adrelid, pol.polrelid, tg.tgrelid,
            CASE WHEN needed.classid = 'pg_class'::regclass THEN needed.objid END, 0) AS place
    FROM needed
    JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = needed.relation
    LEFT JOIN pg_proc AS p ON needed.classid = 'pg_proc'::regclass AND p.oid = needed.objid
    LEFT JOIN pg_rewrite AS r ON needed.classid = 'pg_rewrite'::regclass AND r.oid = needed.objid
    LEFT JOIN pg_constraint AS con ON needed.classid = 'pg_constraint'::regclass AND con.oid = needed.objid
    LEFT JOIN pg_attrdef AS def ON needed.classid = 'pg_attrdef'::regclass AND def.oid = needed.objid
    LEFT JOIN pg_policy AS pol ON needed.classid = 'pg_policy'::regclass AND pol.oid = needed.objid
    LEFT JOIN pg_trigger AS tg ON needed.classid = 'pg_trigger'::regclass AND tg.oid = needed.objid
    LEFT JOIN pg_type AS t ON needed.classid = 'pg_type'::regclass AND t.oid = needed.objid
    WHERE con.contype IS DISTINCT FROM 'f' AND needed.classid <> 'pg_publication_rel'::regclass
)
SELECT placed.relation, json_agg(json_build_object(
        'kind', o.type, 'name', coalesce(placed.routine, placed.name, ''), 'identity', o.identity,
        'table', CASE WHEN at.oid IS NOT NULL
            THEN json_build_object('schema', at_schema.nspname, 'name', at.relname) END
    ) ORDER BY o.type, o.identity)::text
FROM placed
CROSS JOIN LATERAL pg_identify_object(placed.classid, placed.objid, placed.objsubid) AS o
LEFT JOIN pg_class AS at ON at.oid = placed.place
LEFT JOIN pg_namespace AS at_schema ON at_schema.oid = at.relnamespace
WHERE placed.place <> placed.relation
    AND NOT EXISTS (SELECT FROM pg_class AS view WHERE view.oid = placed.place AND view.relkind IN ('v', 'm'))
    AND NOT EXISTS (
        SELECT FROM pg_depend AS owner
        WHERE owner.classid = 'pg_class'::regclass AND owner.objid = placed.relation
            AND owner.refclassid = 'pg_class'::regclass AND owner.refobjid = placed.place
            AND owner.deptype IN ('a', 'i'))
GROUP BY placed.relation

-- name: publications
-- Publications that list a table by name.
SELECT pr.prrelid, json_agg(p.pubname ORDER BY p.pubname)::text
FROM pg_publication_rel AS pr
JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = pr.prrelid
JOIN pg_publication AS p ON p.oid = pr.prpubid
GROUP BY pr.prrelid

-- name: published_schemas
-- From 15 on: schemas all of whose tables are in a publication that replicates UPDATE or DELETE.
SELECT coalesce(array_agg(DISTINCT pn.pnnspid), '{}')
FROM pg_publication_namespace AS pn JOIN pg_publication AS p ON p.oid = pn.pnpubid
WHERE p.pubupdate OR p.pubdelete

-- name: published
-- Tables ($1) whose UPDATE and DELETE a publication replicates, each with the flag of `Relation` that it has: no replica
-- identity tells its rows apart, so they fail; or its primary key does. $2: published schemas. What holds for a partitioned
-- table holds for its partitions.
WITH RECURSIVE published (oid) AS (
    SELECT pr.prrelid FROM pg_publication_rel AS pr JOIN pg_publication AS p ON p.oid = pr.prpubid
    WHERE p.pubupdate OR p.pubdelete
    UNION
    SELECT c.oid FROM pg_class AS c
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
        AND (c.relnamespace = ANY ($2::oid[])
            OR EXISTS (SELECT FROM pg_publication AS p WHERE p.puballtables AND (p.pubupdate OR p.pubdelete)))
    UNION
    SELECT h.inhrelid FROM published JOIN pg_inherits AS h ON h.inhparent = published.oid
    JOIN pg_class AS child ON child.oid = h.inhrelid AND child.relispartition
)
SELECT c.oid, CASE WHEN identity.found THEN 'replicated_by_key' ELSE 'published_without_identity' END
FROM published JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = published.oid
JOIN pg_class AS c ON c.oid = published.oid AND c.relkind = 'r' AND c.relpersistence = 'p' AND c.relreplident <> 'f'
CROSS JOIN LATERAL (SELECT EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = c.oid AND i.indisvalid
        AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END)) AS identity (found)
WHERE c.relreplident = 'd' OR NOT identity.found

-- name: database_collation
-- From 15 on: whether the version of the database's own collation is another one than when it was recorded.
SELECT coalesce(datcollversion <> pg_database_collation_actual_version(oid), false)
FROM pg_database WHERE datname = current_database()

-- name: collation_mismatch
-- Tables ($1) with a unique index over a column whose collation has changed. $2: whether the database's own has.
WITH keys AS (
    SELECT DISTINCT i.indrelid, k.oid AS collation_oid
    FROM pg_index AS i JOIN unnest($1::oid[]) AS wanted (oid) ON wanted.oid = i.indrelid,
        unnest(i.indcollation) AS k (oid)
    WHERE i.indisunique AND k.oid <> 0
), changed AS (
    SELECT c.oid FROM pg_collation AS c
    WHERE c.oid IN (SELECT keys.collation_oid FROM keys)
        AND CASE WHEN c.collprovider = 'd' THEN $2::bool
            ELSE c.collversion <> pg_collation_actual_version(c.oid) END
)
SELECT DISTINCT keys.indrelid FROM keys JOIN changed ON changed.oid = keys.collation_oid

-- name: functions
-- Functions and procedures outside the system schemas and the journal's ($1), those of extensions included; one line for
-- each name and volatility.
SELECT coalesce(json_agg(json_build_object('name', json_build_object('schema', found.nspname, 'name', found.proname),
    'volatility', found.provolatile, 'trigger', found.for_triggers) ORDER BY found.nspname, found.proname, found.provolatile), '[]')::text
FROM (
    SELECT DISTINCT n.nspname, p.proname, p.provolatile,
        p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) AS for_triggers
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND n.nspname <> $1
) AS found

-- name: types
-- Types outside the system schemas and the journal's ($1), without array types and the row types of tables; the second
-- column: those that are domains with a constraint, their own or that of a domain they are over.
WITH RECURSIVE link (domain, base, constrained) AS (
    SELECT t.oid, t.typbasetype, t.typnotnull OR EXISTS (SELECT FROM pg_constraint WHERE contypid = t.oid)
    FROM pg_type AS t WHERE t.typtype = 'd'
    UNION ALL
    SELECT link.domain, t.typbasetype, t.typnotnull OR EXISTS (SELECT FROM pg_constraint WHERE contypid = t.oid)
    FROM link JOIN pg_type AS t ON t.oid = link.base WHERE t.typtype = 'd'
), found AS (
    SELECT json_build_object('schema', n.nspname, 'name', t.typname) AS name, n.nspname, t.typname,
        EXISTS (SELECT FROM link WHERE link.domain = t.oid AND link.constrained) AS constrained
    FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
    LEFT JOIN pg_class AS c ON c.oid = t.typrelid
    WHERE (c.oid IS NULL OR c.relkind = 'c')
        AND NOT (t.typtype = 'b' AND t.typelem <> 0 AND t.typlen = -1)
        AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND n.nspname <> $1
)
SELECT coalesce(json_agg(name ORDER BY nspname, typname), '[]')::text,
    coalesce(json_agg(name ORDER BY nspname, typname) FILTER (WHERE constrained), '[]')::text
FROM found

-- name: schemas
-- Schemas that are not the system's nor the journal's ($1).
SELECT coalesce(array_agg(nspname::text ORDER BY nspname), '{}') FROM pg_namespace
WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema' AND nspname <> $1
