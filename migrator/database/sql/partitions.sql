-- The partitions below a table, and what each has: read from the catalogs alone, without a lock on any of them.

-- name: tree
-- The partitions at every level, those above before those below; not one whose detachment is under way.
WITH RECURSIVE tree (oid, parent, level) AS (
    SELECT c.oid, NULL::oid, 0 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(name)s
    UNION ALL
    SELECT h.inhrelid, h.inhparent, t.level + 1 FROM tree AS t JOIN pg_inherits AS h ON h.inhparent = t.oid
    WHERE to_jsonb(h) ->> 'inhdetachpending' IS DISTINCT FROM 'true'
)
SELECT t.oid, t.parent, n.nspname, c.relname, c.relkind::text
FROM tree AS t JOIN pg_class AS c ON c.oid = t.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE t.level > 0 ORDER BY t.level, n.nspname, c.relname

-- name: root
-- The index of the table itself: OID, the table's OID, valid, the names of its columns.
SELECT i.indexrelid, i.indrelid, i.indisvalid,
    (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = i.indexrelid)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_index AS i ON i.indexrelid = c.oid
JOIN pg_class AS t ON t.oid = i.indrelid
WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND t.relname = %(table)s AND t.relnamespace = n.oid

-- name: has index
-- Whether the partition has an index of that name.
SELECT EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE i.indrelid = %(partition)s AND c.relname = %(name)s)

-- name: indexes
-- The indexes of a partition that are attached to the index above it, or could be: matched as the server matches them
-- (CompareIndexInfo), by access method, keys, collations, operator families, expressions and predicate. Of an index that
-- is part of another one nothing is said.
SELECT i.indexrelid, n.nspname, c.relname, i.indisvalid AND i.indisready AND i.indislive, h.inhparent IS NOT NULL,
    EXISTS (SELECT FROM pg_constraint AS k
        JOIN pg_constraint AS above ON above.conindid = p.indexrelid AND above.conrelid = p.indrelid
        WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype = above.contype)
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits AS h ON h.inhrelid = i.indexrelid
JOIN pg_index AS p ON p.indexrelid = %(above)s
JOIN pg_class AS pc ON pc.oid = p.indexrelid
WHERE i.indrelid = %(partition)s AND (h.inhparent = p.indexrelid OR (
    h.inhparent IS NULL AND c.relam = pc.relam AND i.indisunique = p.indisunique AND NOT i.indisexclusion
    AND i.indnatts = p.indnatts AND i.indnkeyatts = p.indnkeyatts AND i.indcollation = p.indcollation
    AND to_jsonb(i) -> 'indnullsnotdistinct' IS NOT DISTINCT FROM to_jsonb(p) -> 'indnullsnotdistinct'
    AND (SELECT array_agg(o.opcfamily ORDER BY k.n) FROM unnest(i.indclass::oid[]) WITH ORDINALITY AS k (oid, n)
            JOIN pg_opclass AS o ON o.oid = k.oid)
        = (SELECT array_agg(o.opcfamily ORDER BY k.n) FROM unnest(p.indclass::oid[]) WITH ORDINALITY AS k (oid, n)
            JOIN pg_opclass AS o ON o.oid = k.oid)
    AND (SELECT array_agg(a.attname ORDER BY k.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, n)
            LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number)
        = (SELECT array_agg(a.attname ORDER BY k.n) FROM unnest(p.indkey::int2[]) WITH ORDINALITY AS k (number, n)
            LEFT JOIN pg_attribute AS a ON a.attrelid = p.indrelid AND a.attnum = k.number)
    AND pg_get_expr(i.indexprs, i.indrelid) IS NOT DISTINCT FROM pg_get_expr(p.indexprs, p.indrelid)
    AND pg_get_expr(i.indpred, i.indrelid) IS NOT DISTINCT FROM pg_get_expr(p.indpred, p.indrelid)))
ORDER BY h.inhparent IS NULL, i.indexrelid

-- name: taken
-- Whether a relation of the schema has the name, or on request a constraint.
SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = %(schema)s AND c.relname = %(name)s)
    OR (%(constraints)s AND EXISTS (SELECT FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace
        WHERE n.nspname = %(schema)s AND k.conname = %(name)s))

-- name: parts
-- What the journal has of the parts of a step, in the order in which they began.
SELECT id, state, pid, backend_start, title, phase FROM {journal}.step
WHERE version = %(version)s AND left(id, length(%(prefix)s)) = %(prefix)s ORDER BY started_at, id

-- name: constraint
-- Whether the partition has a constraint of the name, and whether it is validated; NULL for none.
SELECT k.convalidated, k.contype::text FROM pg_constraint AS k WHERE k.conrelid = %(partition)s AND k.conname = %(name)s
