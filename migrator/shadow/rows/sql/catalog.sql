-- name: types
-- Every type with what decides which texts it accepts: enum labels, the element of an array, attributes of a
-- composite type, the subtype of a range, base type and CHECK expressions of a domain.
SELECT t.oid, t.typname, t.typtype::text, t.typcategory::text, t.typelem,
    t.typbasetype, t.typtypmod, t.typnotnull, format_type(t.oid, NULL),
    coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
        FROM pg_enum AS e WHERE e.enumtypid = t.oid), '{}'),
    coalesce((SELECT array_agg(a.atttypid ORDER BY a.attnum)
        FROM pg_attribute AS a
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '{}'),
    coalesce((SELECT r.rngsubtype FROM pg_range AS r WHERE r.rngtypid = t.oid), 0),
    coalesce((SELECT array_agg(pg_get_expr(c.conbin, 0) ORDER BY c.conname)
        FROM pg_constraint AS c WHERE c.contypid = t.oid AND c.contype = 'c'), '{}')
FROM pg_type AS t

-- name: tables
-- Tables that can be written to: of users, no foreign tables, of partitioned ones the leaves. With the
-- condition that a leaf's place in its tree puts on its rows.
SELECT c.oid, n.nspname, c.relname, coalesce(pg_get_partition_constraintdef(c.oid), '')
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND n.nspname <> ALL (%(without)s) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"

-- name: foreign tables
-- What is left out because its rows are elsewhere.
SELECT n.nspname, c.relname
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'f' AND n.nspname <> ALL (%(without)s)
ORDER BY 1, 2

-- name: columns
-- The columns of these tables, by name, so that their order in the table makes no difference.
SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod),
    a.attnotnull, a.attidentity::text <> '', a.attgenerated::text <> '',
    coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute AS a
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY (%(tables)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attname COLLATE "C"

-- name: checks
-- CHECK constraints of these tables with the columns that they read.
SELECT c.conrelid, c.conname, pg_get_expr(c.conbin, c.conrelid),
    coalesce((SELECT array_agg(a.attname::text ORDER BY a.attname COLLATE "C") FROM pg_attribute AS a
        WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)), '{}')
FROM pg_constraint AS c
WHERE c.contype = 'c' AND c.conrelid = ANY (%(tables)s)
ORDER BY c.conrelid, c.conname COLLATE "C"

-- name: foreign keys
-- Foreign keys of these tables; of one that refers to a partitioned table, not those that stand for its
-- partitions.
SELECT c.conrelid, c.conname, n.nspname, f.relname, c.condeferrable, c.conrelid = c.confrelid,
    ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (num, place)
        JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.num ORDER BY k.place),
    ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY AS k (num, place)
        JOIN pg_attribute AS a ON a.attrelid = c.confrelid AND a.attnum = k.num ORDER BY k.place)
FROM pg_constraint AS c
JOIN pg_class AS f ON f.oid = c.confrelid
JOIN pg_namespace AS n ON n.oid = f.relnamespace
WHERE c.contype = 'f' AND c.conrelid = ANY (%(tables)s)
    AND NOT EXISTS (SELECT FROM pg_constraint AS p WHERE p.oid = c.conparentid AND p.conrelid = c.conrelid)
ORDER BY c.conrelid, c.conname COLLATE "C"
