-- What a migration must not leave behind, outside the schema of the journal. One text column. Things of the user's own are
-- found by comparing schemas.

SELECT format('invalid index %%s', indexrelid::regclass)
FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)

UNION ALL
SELECT format('constraint %%s of %%s is not validated', conname, conrelid::regclass)
FROM pg_constraint WHERE NOT convalidated

UNION ALL
SELECT format('trigger %%s of %%s', tgname, tgrelid::regclass)
FROM pg_trigger WHERE NOT tgisinternal AND tgname ~ 'migrat(or|e)_'

UNION ALL
SELECT format('function %%s', p.oid::regprocedure)
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', %(journal)s) AND p.proname ~ 'migrat(or|e)_'

UNION ALL
SELECT format('%%s %%s.%%s', CASE c.relkind WHEN 'r' THEN 'table' ELSE 'relation' END, n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname ~ '^_?migrat(or|e)_' AND n.nspname <> %(journal)s

UNION ALL
SELECT format('constraint %%s of %%s', conname, conrelid::regclass)
FROM pg_constraint WHERE conname ~ 'migrat(or|e)_'

UNION ALL
SELECT format('advisory lock of process %%s', pid)
FROM pg_locks
WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())

UNION ALL
SELECT format('session %%s, %%s: %%s', pid, application_name, query)
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name ~ '^migrat'

UNION ALL
SELECT format('prepared transaction %%s', gid)
FROM pg_prepared_xacts WHERE database = current_database()
