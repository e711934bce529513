-- The definitions in the schema public, a line each, told quickly.

SELECT format('%s %s.%s %s %s %s %s', 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    a.attidentity::text || a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid)) AS line
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped

UNION ALL
SELECT format('relation %s %s %s %s %s %s', relname, relkind, relowner::regrole, relacl, reloptions,
    pg_get_expr(relpartbound, oid))
FROM pg_class WHERE relnamespace = 'public'::regnamespace

UNION ALL
SELECT format('constraint %s of %s: %s %s', conname, conrelid::regclass, pg_get_constraintdef(oid), convalidated)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace

UNION ALL
SELECT format('%s %s %s %s', pg_get_indexdef(indexrelid), indisvalid, indisready, indislive)
FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid WHERE c.relnamespace = 'public'::regnamespace

UNION ALL
SELECT format('%s %s', pg_get_triggerdef(t.oid), tgenabled)
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid
WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace

UNION ALL
SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace

UNION ALL
SELECT pg_get_viewdef(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'

UNION ALL
SELECT format('%s below %s %s', inhrelid::regclass, inhparent::regclass, to_jsonb(h) ->> 'inhdetachpending')
FROM pg_inherits AS h JOIN pg_class AS c ON c.oid = inhrelid WHERE c.relnamespace = 'public'::regnamespace

ORDER BY 1
