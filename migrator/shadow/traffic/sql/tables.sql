-- name: targets
-- The tables among these names; of partitions, the root.
SELECT DISTINCT c.oid, n.nspname, c.relname
FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS given (schema, name)
JOIN pg_namespace AS gn ON gn.nspname = given.schema
JOIN pg_class AS g ON g.relnamespace = gn.oid AND g.relname = given.name AND g.relkind IN ('r', 'p')
JOIN pg_class AS c ON c.oid = coalesce(pg_partition_root(g.oid), g.oid)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't'
ORDER BY 2, 3

-- name: columns
-- The columns of a table, in their order.
SELECT a.attname
FROM pg_attribute AS a
WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- name: key
-- The columns by which one row of a table is found: of the primary key, else of the narrowest unique index
-- over columns that cannot be NULL.
SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (num, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.num
    WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_index AS i
WHERE i.indrelid = %(table)s AND i.indisunique AND i.indimmediate AND i.indisvalid
    AND i.indpred IS NULL AND i.indexprs IS NULL
    AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (num, place)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.num
        WHERE k.place <= i.indnkeyatts AND NOT a.attnotnull)
ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid
LIMIT 1

-- name: leaves
-- The tables that hold the rows of a table: itself, or partitions of it at any level.
SELECT n.nspname, c.relname
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
    AND (c.oid = %(table)s OR c.oid IN (SELECT relid FROM pg_partition_tree(%(table)s) WHERE isleaf))
ORDER BY 1, 2

-- name: unique columns
-- For each unique index and exclusion constraint of a table, the columns in it: not all of them may be as in
-- an old row.
SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (num, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.num
    WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_index AS i ON i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion)
WHERE n.nspname = %(schema)s AND c.relname = %(name)s
ORDER BY i.indexrelid
