-- name: relations
-- What holds rows: tables, partitions and filled materialized views, with their columns by name.
SELECT n.nspname::text, c.relname::text,
    ARRAY(SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname COLLATE "C")
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated) AND c.relpersistence <> 't'
    AND n.nspname <> ALL (%(without)s) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2

-- name: sequences
-- The next number of every sequence, and the column that owns it.
SELECT n.nspname::text, c.relname::text, p.nspname::text, t.relname::text, a.attname::text
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class AS t ON t.oid = d.refobjid
LEFT JOIN pg_namespace AS p ON p.oid = t.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE c.relkind = 'S' AND n.nspname <> ALL (%(without)s) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2

-- name: settings
-- Values are compared by their texts, which must not depend on the database.
SELECT set_config(name, value, false)
FROM (VALUES ('search_path', ''), ('TimeZone', 'UTC'), ('DateStyle', 'ISO, MDY'), ('IntervalStyle', 'postgres'),
    ('extra_float_digits', '3'), ('bytea_output', 'hex'), ('xmlbinary', 'base64'), ('row_security', 'off'),
    ('statement_timeout', '0')) AS s (name, value)
