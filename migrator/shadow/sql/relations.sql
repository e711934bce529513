-- Every user relation with what a rewrite, a scan and an index build change; counters are those of this session.
SELECT c.oid::bigint,
       n.nspname::text,
       c.relname::text,
       c.relkind::text,
       coalesce(pg_relation_filenode(c.oid), 0)::bigint,
       CASE WHEN c.relkind IN ('r', 'm', 't') THEN pg_relation_size(c.oid) ELSE 0 END,
       coalesce(i.indrelid, 0)::bigint,
       ARRAY(SELECT h.inhparent::bigint FROM pg_inherits AS h WHERE h.inhrelid = c.oid),
       coalesce(pg_stat_get_xact_numscans(c.oid), 0) + CASE WHEN c.relkind IN ('r', 'm', 'p') THEN coalesce((
           SELECT sum(pg_stat_get_xact_numscans(x.indexrelid)) FROM pg_index AS x WHERE x.indrelid = c.oid
       ), 0) ELSE 0 END,
       coalesce(pg_stat_get_xact_numscans(c.oid), 0)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND n.nspname NOT LIKE 'pg\_temp\_%'
  AND n.nspname NOT LIKE 'pg\_toast\_temp\_%'
  AND c.relkind IN ('r', 'p', 'm', 'v', 'S', 'f', 'i', 'I')
