-- Tables that a statement on the named relations may lock: their partitions and parents, and foreign-key partners.
WITH RECURSIVE named AS (
    SELECT coalesce(i.indrelid, c.oid) AS oid
    FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS w (schema_name, relation_name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema_name
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.relation_name
    LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
), tree AS (
    SELECT oid FROM named
    UNION
    SELECT CASE WHEN h.inhrelid = t.oid THEN h.inhparent ELSE h.inhrelid END
    FROM tree AS t
    JOIN pg_catalog.pg_inherits AS h ON t.oid IN (h.inhrelid, h.inhparent)
), partners AS (
    SELECT oid FROM tree
    UNION
    SELECT CASE WHEN k.conrelid = t.oid THEN k.confrelid ELSE k.conrelid END
    FROM tree AS t
    JOIN pg_catalog.pg_constraint AS k ON k.contype = 'f' AND t.oid IN (k.conrelid, k.confrelid)
)
SELECT n.nspname::text, c.relname::text
FROM partners AS p
JOIN pg_catalog.pg_class AS c ON c.oid = p.oid AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LIMIT 1000
