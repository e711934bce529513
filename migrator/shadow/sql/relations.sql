-- Every user relation with what a rewrite, a scan and an index build change; counters are those of this session.
SELECT c.oid::bigint,
       n.nspname::text,
       c.relname::text,
       c.relkind::text,
       coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::bigint,
       CASE WHEN c.relkind IN ('r', 'm', 't') THEN coalesce(pg_catalog.pg_relation_size(c.oid), 0) ELSE 0 END,
       coalesce(i.indrelid, 0)::bigint,
       coalesce(h.parents, '{}'),
       coalesce(pg_catalog.pg_stat_get_xact_numscans(c.oid), 0)::bigint
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN (
    SELECT inhrelid, array_agg(inhparent::bigint) AS parents FROM pg_catalog.pg_inherits GROUP BY inhrelid
) AS h ON h.inhrelid = c.oid
WHERE n.nspname <> ALL (%(without)s)
  AND n.nspname NOT LIKE 'pg\_temp\_%%'
  AND n.nspname NOT LIKE 'pg\_toast\_temp\_%%'
  AND c.relkind IN ('r', 'p', 'm', 'v', 'S', 'f', 'i', 'I')
