-- name: schemas
-- The schemas whose objects are compared: all of users but those named.
SELECT oid FROM pg_namespace
WHERE nspname <> ALL (%(without)s) AND nspname !~ '^pg_' AND nspname <> 'information_schema'

-- name: members
-- What belongs to an extension, which stands for it.
SELECT DISTINCT objid FROM pg_depend WHERE deptype = 'e'

-- name: schema
-- Owners of schemas.
SELECT format('schema %%I', nspname), format('owner %%s', pg_get_userbyid(nspowner))
FROM pg_namespace
WHERE oid = ANY (%(schemas)s) AND oid <> ALL (%(members)s)

-- name: extension
-- With its version, of which pg_dump says nothing.
SELECT format('extension %%I', extname),
    format('schema %%I, version %%s, owner %%s', n.nspname, extversion, pg_get_userbyid(extowner))
FROM pg_extension
JOIN pg_namespace AS n ON n.oid = extnamespace
WHERE extname <> 'plpgsql'

-- name: relation
-- Tables, views, materialized views, foreign tables, sequences, composite types: everything but their columns.
SELECT
    format('%%s %%I.%%I', k.kind, n.nspname, c.relname),
    concat_ws(E'\n',
        format('owner %%s', pg_get_userbyid(c.relowner)),
        CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
        (SELECT format('access method %%I', amname) FROM pg_am WHERE oid = c.relam AND c.relkind <> 'S'),
        (SELECT format('tablespace %%I', spcname) FROM pg_tablespace WHERE oid = c.reltablespace),
        'options ' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) AS o),
        'toast options ' || (SELECT (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(t.reloptions) AS o)
            FROM pg_class AS t WHERE t.oid = c.reltoastrelid AND t.reloptions IS NOT NULL),
        CASE c.relreplident WHEN 'f' THEN 'replica identity full' WHEN 'n' THEN 'replica identity nothing'
            WHEN 'i' THEN 'replica identity index ' || coalesce((SELECT i.indexrelid::regclass::text
                FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisreplident), 'gone') END,
        CASE WHEN c.relrowsecurity THEN 'row level security' END,
        CASE WHEN c.relforcerowsecurity THEN 'row level security forced' END,
        CASE WHEN c.reloftype <> 0 THEN format('of %%s', format_type(c.reloftype, NULL)) END,
        'partition by ' || pg_get_partkeydef(c.oid),
        'bound ' || pg_get_expr(c.relpartbound, c.oid),
        (SELECT 'children of ' || string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno)
            || CASE WHEN bool_or((to_jsonb(h) ->> 'inhdetachpending') = 'true') THEN ' (detach pending)' ELSE '' END
            FROM pg_inherits AS h WHERE h.inhrelid = c.oid),
        CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
        CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN 'not populated' END,
        (SELECT format('server %%I (%%s)', s.srvname, array_to_string(f.ftoptions, ', '))
            FROM pg_foreign_table AS f JOIN pg_foreign_server AS s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid)
    )
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN (VALUES ('r', 'table'), ('p', 'table'), ('v', 'view'), ('m', 'materialized view'), ('f', 'foreign table'),
    ('S', 'sequence'), ('c', 'type')) AS k (relkind, kind) ON k.relkind = c.relkind::text
WHERE c.relnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)

-- name: column
-- Columns by name; their order is told apart. What is inherited counts for children, not for partitions.
SELECT
    format('column %%I of %%I.%%I', a.attname, n.nspname, c.relname),
    concat_ws(E'\n',
        'type ' || format_type(a.atttypid, a.atttypmod),
        (SELECT 'collation ' || a.attcollation::regcollation::text FROM pg_type AS t
            WHERE t.oid = a.atttypid AND t.typcollation <> a.attcollation AND a.attcollation <> 0),
        CASE WHEN a.attnotnull THEN 'not null' END,
        CASE WHEN a.attgenerated::text = '' THEN 'default ' || pg_get_expr(d.adbin, d.adrelid) END,
        CASE WHEN a.attgenerated::text <> ''
            THEN format('generated (%%s) %%s', a.attgenerated, pg_get_expr(d.adbin, d.adrelid)) END,
        CASE a.attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity by default' END,
        (SELECT 'storage ' || a.attstorage::text FROM pg_type AS t
            WHERE t.oid = a.atttypid AND t.typstorage <> a.attstorage),
        'compression ' || nullif(to_jsonb(a) ->> 'attcompression', ''),
        'statistics ' || nullif(to_jsonb(a) ->> 'attstattarget', '-1'),
        'options ' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(a.attoptions) AS o),
        'options of the wrapper ' || array_to_string(a.attfdwoptions, ', '),
        CASE WHEN a.attinhcount > 0 AND NOT c.relispartition AND NOT a.attislocal THEN 'inherited' END
    )
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
    AND c.relnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)

-- name: order
-- The order of columns, where there are several.
SELECT
    format('order of columns of %%I.%%I', n.nspname, c.relname),
    string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
    AND c.relnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)
GROUP BY n.nspname, c.relname

-- name: constraint
-- Of tables and domains; foreign keys of partitions that stand for their parent's are left out, as by pg_dump.
SELECT
    format('constraint %%I on %%s', o.conname,
        CASE WHEN o.conrelid <> 0 THEN o.conrelid::regclass::text ELSE o.contypid::regtype::text END),
    concat_ws(E'\n',
        pg_get_constraintdef(o.oid),
        CASE WHEN NOT o.convalidated THEN 'not valid' END,
        CASE WHEN (to_jsonb(o) ->> 'conenforced') = 'false' THEN 'not enforced' END,
        CASE WHEN o.conindid <> 0 AND o.contype IN ('p', 'u', 'x') THEN 'index ' || o.conindid::regclass::text END,
        CASE WHEN o.coninhcount > 0 AND NOT o.conislocal AND NOT coalesce(c.relispartition, false)
            THEN 'inherited' END
    )
FROM pg_constraint AS o
LEFT JOIN pg_class AS c ON c.oid = o.conrelid
LEFT JOIN pg_type AS t ON t.oid = o.contypid
WHERE o.contype IN ('c', 'f', 'p', 'u', 'x', 'n') AND (o.contype <> 'f' OR o.conparentid = 0)
    AND coalesce(c.relnamespace, t.typnamespace) = ANY (%(schemas)s)
    AND coalesce(c.oid, t.oid) <> ALL (%(members)s)

-- name: index
-- With those of constraints. Partitioned ones know their partitions' indexes.
SELECT
    format('index %%I.%%I', n.nspname, c.relname),
    concat_ws(E'\n',
        pg_get_indexdef(c.oid),
        CASE WHEN NOT i.indisvalid THEN 'invalid' END,
        CASE WHEN NOT i.indisready OR NOT i.indislive THEN 'not ready' END,
        CASE WHEN i.indisclustered THEN 'clustered' END,
        CASE WHEN i.indisprimary THEN 'primary' END,
        CASE WHEN NOT i.indimmediate THEN 'deferrable' END,
        (SELECT format('tablespace %%I', spcname) FROM pg_tablespace WHERE oid = c.reltablespace),
        (SELECT 'part of ' || h.inhparent::regclass::text FROM pg_inherits AS h WHERE h.inhrelid = c.oid),
        (SELECT string_agg(format('statistics of %%s: %%s', a.attnum, to_jsonb(a) ->> 'attstattarget'), E'\n'
            ORDER BY a.attnum) FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND (to_jsonb(a) ->> 'attstattarget')::int >= 0)
    )
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relnamespace = ANY (%(schemas)s) AND t.oid <> ALL (%(members)s)

-- name: trigger
-- Of those that a partition has from its parent, only whether they are enabled.
SELECT
    format('trigger %%I on %%s', t.tgname, t.tgrelid::regclass),
    concat_ws(E'\n',
        CASE WHEN coalesce(to_jsonb(t) ->> 'tgparentid', '0') = '0' THEN pg_get_triggerdef(t.oid)
            ELSE 'as the parent has it' END,
        'enabled ' || t.tgenabled::text
    )
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)

-- name: rule
-- Those that make a view are its definition.
SELECT format('rule %%I on %%s', r.rulename, r.ev_class::regclass),
    concat_ws(E'\n', pg_get_ruledef(r.oid), 'enabled ' || r.ev_enabled::text)
FROM pg_rewrite AS r
JOIN pg_class AS c ON c.oid = r.ev_class
WHERE r.rulename <> '_RETURN' AND c.relnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)

-- name: policy
-- Policies of row level security.
SELECT format('policy %%I on %%s', p.polname, p.polrelid::regclass),
    concat_ws(E'\n',
        format('for %%s', p.polcmd),
        CASE WHEN NOT p.polpermissive THEN 'restrictive' END,
        'to ' || array_to_string(ARRAY(SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r)::text END
            FROM unnest(p.polroles) AS r ORDER BY 1), ', '),
        'using ' || pg_get_expr(p.polqual, p.polrelid),
        'with check ' || pg_get_expr(p.polwithcheck, p.polrelid)
    )
FROM pg_policy AS p
JOIN pg_class AS c ON c.oid = p.polrelid
WHERE c.relnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)

-- name: routine
-- Functions and procedures.
SELECT format('function %%s', p.oid::regprocedure),
    concat_ws(E'\n', pg_get_functiondef(p.oid), format('owner %%s', pg_get_userbyid(p.proowner)))
FROM pg_proc AS p
WHERE p.prokind <> 'a' AND p.pronamespace = ANY (%(schemas)s) AND p.oid <> ALL (%(members)s)

-- name: aggregate
-- Everything that CREATE AGGREGATE can say.
SELECT format('aggregate %%s', p.oid::regprocedure),
    concat_ws(E'\n',
        format('owner %%s', pg_get_userbyid(p.proowner)),
        format('result %%s, volatility %%s, parallel %%s, strict %%s',
            pg_get_function_result(p.oid), p.provolatile, p.proparallel, p.proisstrict),
        format('arguments %%s', pg_get_function_arguments(p.oid)),
        format('kind %%s of %%s, state %%s by %%s, final %%s %%s %%s',
            a.aggkind, a.aggnumdirectargs, format_type(a.aggtranstype, NULL), a.aggtransfn,
            a.aggfinalfn, a.aggfinalextra, a.aggfinalmodify),
        format('combine %%s, serial %%s, deserial %%s', a.aggcombinefn, a.aggserialfn, a.aggdeserialfn),
        format('moving %%s %%s %%s %%s %%s %%s %%s %%s', a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn,
            a.aggmfinalextra, a.aggmfinalmodify, format_type(a.aggmtranstype, NULL), a.aggmtransspace, a.aggminitval),
        format('sort %%s, space %%s, initial %%L', a.aggsortop::regoperator, a.aggtransspace, a.agginitval)
    )
FROM pg_proc AS p
JOIN pg_aggregate AS a ON a.aggfnoid = p.oid
WHERE p.pronamespace = ANY (%(schemas)s) AND p.oid <> ALL (%(members)s)

-- name: type
-- Enums, domains, ranges and base types; composite ones are relations.
SELECT format('type %%s', format_type(t.oid, NULL)),
    concat_ws(E'\n',
        format('owner %%s, kind %%s', pg_get_userbyid(t.typowner), t.typtype),
        (SELECT 'enum ' || string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
            FROM pg_enum AS e WHERE e.enumtypid = t.oid),
        CASE WHEN t.typtype = 'd' THEN format('domain over %%s%%s%%s%%s', format_type(t.typbasetype, t.typtypmod),
            (SELECT ' collation ' || t.typcollation::regcollation::text FROM pg_type AS b
                WHERE b.oid = t.typbasetype AND b.typcollation <> t.typcollation),
            CASE WHEN t.typnotnull THEN ' not null' END, ' default ' || t.typdefault) END,
        (SELECT format('range of %%s, class %%s.%%s, collation %%s, canonical %%s, difference %%s, multirange %%s',
                format_type(r.rngsubtype, NULL), n.nspname, o.opcname, r.rngcollation::regcollation, r.rngcanonical,
                r.rngsubdiff, format_type((to_jsonb(r) ->> 'rngmultitypid')::oid, NULL))
            FROM pg_range AS r JOIN pg_opclass AS o ON o.oid = r.rngsubopc JOIN pg_namespace AS n ON n.oid = o.opcnamespace
            WHERE r.rngtypid = t.oid),
        CASE WHEN t.typtype IN ('b', 'p') THEN format('%%s %%s %%s %%s %%s %%s %%s %%s %%s %%s %%s %%s %%s %%s %%s %%s',
            t.typlen, t.typbyval, t.typcategory, t.typispreferred, t.typisdefined, t.typdelim, t.typinput, t.typoutput,
            t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typalign, t.typstorage, t.typcollation <> 0) END
    )
FROM pg_type AS t
WHERE t.typtype IN ('e', 'd', 'r', 'b', 'p') AND t.typnamespace = ANY (%(schemas)s) AND t.oid <> ALL (%(members)s)
    AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid)

-- name: sequence
-- Parameters and owner column; where it stands is compared with the rows.
SELECT format('parameters of sequence %%s', s.seqrelid::regclass),
    concat_ws(E'\n',
        format('as %%s start %%s increment %%s minimum %%s maximum %%s cache %%s%%s', format_type(s.seqtypid, NULL),
            s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' cycle' END),
        (SELECT format('owned by %%I of %%s (%%s)', a.attname, d.refobjid::regclass, d.deptype) FROM pg_depend AS d
            JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
                AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
    )
FROM pg_sequence AS s
JOIN pg_class AS c ON c.oid = s.seqrelid
WHERE c.relnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)

-- name: statistics
-- CREATE STATISTICS.
SELECT format('statistics %%I.%%I', n.nspname, s.stxname),
    concat_ws(E'\n', pg_get_statisticsobjdef(s.oid), format('owner %%s', pg_get_userbyid(s.stxowner)),
        'target ' || nullif(to_jsonb(s) ->> 'stxstattarget', '-1'))
FROM pg_statistic_ext AS s
JOIN pg_namespace AS n ON n.oid = s.stxnamespace
WHERE s.stxnamespace = ANY (%(schemas)s) AND s.oid <> ALL (%(members)s)

-- name: privileges
-- Who may do what, with what goes without saying: GRANT to an owner who has it changes nothing.
SELECT format('privileges on %%s', o.name),
    coalesce(string_agg(format('%%s to %%s by %%s%%s', e.privilege_type,
        CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(e.grantee)::text END, pg_get_userbyid(e.grantor),
        CASE WHEN e.is_grantable THEN ' with grant option' END), E'\n'
        ORDER BY 1, e.privilege_type, e.grantee, e.grantor), 'none')
FROM (
    SELECT format('%%s', c.oid::regclass) AS name,
        coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS acl
    FROM pg_class AS c
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relnamespace = ANY (%(schemas)s)
        AND c.oid <> ALL (%(members)s)
    UNION ALL
    SELECT format('column %%I of %%s', a.attname, c.oid::regclass), a.attacl
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE a.attacl IS NOT NULL AND cardinality(a.attacl) > 0 AND NOT a.attisdropped
        AND c.relnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)
    UNION ALL
    SELECT format('function %%s', p.oid::regprocedure), coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc AS p WHERE p.pronamespace = ANY (%(schemas)s) AND p.oid <> ALL (%(members)s)
    UNION ALL
    SELECT format('type %%s', format_type(t.oid, NULL)), coalesce(t.typacl, acldefault('T', t.typowner))
    FROM pg_type AS t
    WHERE t.typnamespace = ANY (%(schemas)s) AND t.oid <> ALL (%(members)s) AND t.typtype <> 'm'
        AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid)
        AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
    UNION ALL
    SELECT format('schema %%I', n.nspname), coalesce(n.nspacl, acldefault('n', n.nspowner))
    FROM pg_namespace AS n WHERE n.oid = ANY (%(schemas)s) AND n.oid <> ALL (%(members)s)
    UNION ALL
    SELECT format('language %%I', l.lanname), coalesce(l.lanacl, acldefault('l', l.lanowner))
    FROM pg_language AS l WHERE l.lanispl AND l.oid <> ALL (%(members)s)
    UNION ALL
    SELECT format('foreign-data wrapper %%I', f.fdwname), coalesce(f.fdwacl, acldefault('F', f.fdwowner))
    FROM pg_foreign_data_wrapper AS f WHERE f.oid <> ALL (%(members)s)
    UNION ALL
    SELECT format('server %%I', s.srvname), coalesce(s.srvacl, acldefault('S', s.srvowner))
    FROM pg_foreign_server AS s WHERE s.oid <> ALL (%(members)s)
) AS o
LEFT JOIN LATERAL aclexplode(o.acl) AS e ON true
GROUP BY o.name

-- name: default privileges
-- ALTER DEFAULT PRIVILEGES.
SELECT format('default privileges of %%s in %%s on %%s', pg_get_userbyid(d.defaclrole),
        coalesce(quote_ident(n.nspname), 'every schema'), d.defaclobjtype),
    coalesce((SELECT string_agg(format('%%s to %%s by %%s%%s', e.privilege_type,
        CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(e.grantee)::text END, pg_get_userbyid(e.grantor),
        CASE WHEN e.is_grantable THEN ' with grant option' END), E'\n' ORDER BY e.privilege_type, e.grantee)
        FROM aclexplode(d.defaclacl) AS e), 'none')
FROM pg_default_acl AS d
LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace

-- name: comment
-- Of objects of users; smaller numbers are those of a new server (FirstNormalObjectId), but for the schema public.
SELECT format('comment on %%s %%s', i.type, i.identity), d.description
FROM pg_description AS d
CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i
WHERE (d.objoid >= 16384 OR (d.classoid = 'pg_namespace'::regclass AND i.identity = 'public'))
    AND d.objoid <> ALL (%(members)s)
    AND NOT (coalesce(i.schema, CASE WHEN i.type = 'schema' THEN i.name END, '') = ANY (%(without)s))

-- name: security label
-- As comments.
SELECT format('security label of %%s on %%s %%s', d.provider, i.type, i.identity), d.label
FROM pg_seclabel AS d
CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i
WHERE d.objoid >= 16384

-- name: needs extension
-- ALTER … DEPENDS ON EXTENSION.
SELECT format('%%s depends on extension %%s', pg_describe_object(d.classid, d.objid, d.objsubid), e.extname), 'yes'
FROM pg_depend AS d
JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE d.deptype = 'x' AND d.refclassid = 'pg_extension'::regclass

-- name: publication
-- What is published as a whole.
SELECT format('publication %%I', p.pubname),
    concat_ws(E'\n', format('owner %%s', pg_get_userbyid(p.pubowner)),
        (to_jsonb(p) - 'oid' - 'pubname' - 'pubowner')::text)
FROM pg_publication AS p

-- name: publication table
-- Which tables, and of them which columns and rows (15).
SELECT format('table %%s in publication %%I', r.prrelid::regclass, p.pubname),
    coalesce((SELECT ((to_jsonb(t) - 'pubname') - 'schemaname' - 'tablename')::text FROM pg_publication_tables AS t
        WHERE t.pubname = p.pubname AND format('%%I.%%I', t.schemaname, t.tablename)::regclass = r.prrelid), 'by its root')
FROM pg_publication_rel AS r
JOIN pg_publication AS p ON p.oid = r.prpubid

-- name: publication schema 15
-- TABLES IN SCHEMA.
SELECT format('schema %%I in publication %%I', n.nspname, p.pubname), 'yes'
FROM pg_publication_namespace AS s
JOIN pg_publication AS p ON p.oid = s.pnpubid
JOIN pg_namespace AS n ON n.oid = s.pnnspid

-- name: subscription
-- What everybody may see of it.
SELECT format('subscription %%I', s.subname),
    format('owner %%s, enabled %%s, slot %%s, commit %%s, publications %%s', pg_get_userbyid(s.subowner), s.subenabled,
        s.subslotname, s.subsynccommit, array_to_string(s.subpublications, ', '))
FROM pg_subscription AS s
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: cast
-- CREATE CAST.
SELECT format('cast from %%s to %%s', format_type(castsource, NULL), format_type(casttarget, NULL)),
    format('by %%s, context %%s, method %%s', castfunc::regprocedure, castcontext, castmethod)
FROM pg_cast
WHERE oid >= 16384 AND oid <> ALL (%(members)s)

-- name: operator
-- CREATE OPERATOR.
SELECT format('operator %%s', o.oid::regoperator),
    format('owner %%s, by %%s, commutator %%s, negator %%s, merges %%s, hashes %%s, estimates %%s %%s',
        pg_get_userbyid(o.oprowner), o.oprcode, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprcanmerge,
        o.oprcanhash, o.oprrest, o.oprjoin)
FROM pg_operator AS o
WHERE o.oprnamespace = ANY (%(schemas)s) AND o.oid <> ALL (%(members)s)

-- name: operator class
-- With its family.
SELECT format('operator class %%I.%%I by %%s', n.nspname, c.opcname, a.amname),
    format('owner %%s, family %%I, for %%s, default %%s, stored %%s', pg_get_userbyid(c.opcowner), f.opfname,
        format_type(c.opcintype, NULL), c.opcdefault, CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL) END)
FROM pg_opclass AS c
JOIN pg_namespace AS n ON n.oid = c.opcnamespace
JOIN pg_am AS a ON a.oid = c.opcmethod
JOIN pg_opfamily AS f ON f.oid = c.opcfamily
WHERE c.opcnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)

-- name: operator family
-- With the operators and functions in it.
SELECT format('operator family %%I.%%I by %%s', n.nspname, f.opfname, a.amname),
    concat_ws(E'\n', format('owner %%s', pg_get_userbyid(f.opfowner)),
        (SELECT string_agg(format('operator %%s %%s %%s %%s', o.amopstrategy, o.amopopr::regoperator, o.amoppurpose,
            o.amopsortfamily <> 0), E'\n' ORDER BY o.amopstrategy, o.amopopr::regoperator::text)
            FROM pg_amop AS o WHERE o.amopfamily = f.oid),
        (SELECT string_agg(format('function %%s %%s (%%s, %%s)', p.amprocnum, p.amproc, format_type(p.amproclefttype, NULL),
            format_type(p.amprocrighttype, NULL)), E'\n' ORDER BY p.amprocnum, p.amproc::text)
            FROM pg_amproc AS p WHERE p.amprocfamily = f.oid))
FROM pg_opfamily AS f
JOIN pg_namespace AS n ON n.oid = f.opfnamespace
JOIN pg_am AS a ON a.oid = f.opfmethod
WHERE f.opfnamespace = ANY (%(schemas)s) AND f.oid <> ALL (%(members)s)

-- name: collation
-- But for the version, which is the server's.
SELECT format('collation %%I.%%I', n.nspname, c.collname),
    ((to_jsonb(c) - 'oid' - 'collname' - 'collnamespace' - 'collowner' - 'collversion')::text)
        || format(' owner %%s', pg_get_userbyid(c.collowner))
FROM pg_collation AS c
JOIN pg_namespace AS n ON n.oid = c.collnamespace
WHERE c.collnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)

-- name: conversion
-- CREATE CONVERSION.
SELECT format('conversion %%I.%%I', n.nspname, c.conname),
    format('owner %%s, from %%s to %%s by %%s, default %%s', pg_get_userbyid(c.conowner),
        pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc, c.condefault)
FROM pg_conversion AS c
JOIN pg_namespace AS n ON n.oid = c.connamespace
WHERE c.connamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)

-- name: language
-- Procedural languages that no extension brings.
SELECT format('language %%I', lanname), format('owner %%s, trusted %%s, by %%s, inline %%s, validator %%s',
    pg_get_userbyid(lanowner), lanpltrusted, lanplcallfoid::regproc, laninline::regproc, lanvalidator::regproc)
FROM pg_language
WHERE lanispl AND oid <> ALL (%(members)s)

-- name: transform
-- CREATE TRANSFORM.
SELECT format('transform for %%s language %%I', format_type(t.trftype, NULL), l.lanname),
    format('from %%s to %%s', t.trffromsql, t.trftosql)
FROM pg_transform AS t
JOIN pg_language AS l ON l.oid = t.trflang
WHERE t.oid <> ALL (%(members)s)

-- name: access method
-- CREATE ACCESS METHOD.
SELECT format('access method %%I', amname), format('%%s by %%s', amtype, amhandler)
FROM pg_am
WHERE oid >= 16384 AND oid <> ALL (%(members)s)

-- name: event trigger
-- CREATE EVENT TRIGGER.
SELECT format('event trigger %%I', evtname),
    format('owner %%s, on %%s, by %%s, enabled %%s, tags %%s', pg_get_userbyid(evtowner), evtevent, evtfoid::regproc,
        evtenabled, array_to_string(evttags, ', '))
FROM pg_event_trigger
WHERE oid <> ALL (%(members)s)

-- name: text search configuration
-- With its mappings.
SELECT format('text search configuration %%I.%%I', n.nspname, c.cfgname),
    concat_ws(E'\n', format('owner %%s, parser %%I', pg_get_userbyid(c.cfgowner), p.prsname),
        (SELECT string_agg(format('%%s %%s: %%s', m.maptokentype, m.mapseqno, m.mapdict::regdictionary), E'\n'
            ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map AS m WHERE m.mapcfg = c.oid))
FROM pg_ts_config AS c
JOIN pg_namespace AS n ON n.oid = c.cfgnamespace
JOIN pg_ts_parser AS p ON p.oid = c.cfgparser
WHERE c.cfgnamespace = ANY (%(schemas)s) AND c.oid <> ALL (%(members)s)

-- name: text search dictionary
-- With its options.
SELECT format('text search dictionary %%I.%%I', n.nspname, d.dictname),
    format('owner %%s, template %%I, options %%s', pg_get_userbyid(d.dictowner), t.tmplname, d.dictinitoption)
FROM pg_ts_dict AS d
JOIN pg_namespace AS n ON n.oid = d.dictnamespace
JOIN pg_ts_template AS t ON t.oid = d.dicttemplate
WHERE d.dictnamespace = ANY (%(schemas)s) AND d.oid <> ALL (%(members)s)

-- name: text search template
-- By the functions of it.
SELECT format('text search template %%I.%%I', n.nspname, t.tmplname), format('%%s %%s', t.tmplinit, t.tmpllexize)
FROM pg_ts_template AS t
JOIN pg_namespace AS n ON n.oid = t.tmplnamespace
WHERE t.tmplnamespace = ANY (%(schemas)s) AND t.oid <> ALL (%(members)s)

-- name: text search parser
-- By the functions of it.
SELECT format('text search parser %%I.%%I', n.nspname, p.prsname),
    format('%%s %%s %%s %%s %%s', p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)
FROM pg_ts_parser AS p
JOIN pg_namespace AS n ON n.oid = p.prsnamespace
WHERE p.prsnamespace = ANY (%(schemas)s) AND p.oid <> ALL (%(members)s)

-- name: foreign-data wrapper
-- CREATE FOREIGN DATA WRAPPER.
SELECT format('foreign-data wrapper %%I', f.fdwname),
    format('owner %%s, by %%s, validator %%s, options %%s', pg_get_userbyid(f.fdwowner), f.fdwhandler::regproc,
        f.fdwvalidator::regproc, array_to_string(f.fdwoptions, ', '))
FROM pg_foreign_data_wrapper AS f
WHERE f.oid <> ALL (%(members)s)

-- name: foreign server
-- CREATE SERVER.
SELECT format('server %%I', s.srvname),
    format('owner %%s, wrapper %%I, type %%s, version %%s, options %%s', pg_get_userbyid(s.srvowner), f.fdwname,
        s.srvtype, s.srvversion, array_to_string(s.srvoptions, ', '))
FROM pg_foreign_server AS s
JOIN pg_foreign_data_wrapper AS f ON f.oid = s.srvfdw
WHERE s.oid <> ALL (%(members)s)

-- name: user mapping
-- Digests of their options, which may be passwords.
SELECT format('user mapping of %%s for %%I', usename, srvname), md5(array_to_string(umoptions, ', '))
FROM pg_user_mappings
