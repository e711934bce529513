-- What is asked before the first step; all of it reads catalogs only.

-- name: server
-- Whether it is a standby; whether transactions are read-only by default (reset_val: whatever this session has set); its
-- version; whether the journal's schema ($1) is there, and whether we may create it or create in it.
SELECT pg_is_in_recovery(),
    (SELECT reset_val = 'on' FROM pg_settings WHERE name = 'default_transaction_read_only'),
    current_setting('server_version_num')::int, current_user::text, current_database()::text,
    to_regnamespace(quote_ident($1::text)) IS NOT NULL,
    CASE WHEN to_regnamespace(quote_ident($1::text)) IS NULL
        THEN has_database_privilege(current_database(), 'CREATE')
        ELSE has_schema_privilege(to_regnamespace(quote_ident($1::text)), 'USAGE')
            AND has_schema_privilege(to_regnamespace(quote_ident($1::text)), 'CREATE') END

-- name: roles
-- For each role ($1): whether it exists, and whether this session may SET ROLE to it.
SELECT wanted.name, r.oid IS NOT NULL, coalesce(pg_has_role(session_user, r.oid, $2::text), false)
FROM unnest($1::text[]) AS wanted (name) LEFT JOIN pg_roles AS r ON r.rolname = wanted.name

-- name: rights
-- For each triple of role ($1), schema ($2) and relation ($3): what the role may do. The relation's columns are NULL where
-- it does not exist (an earlier step creates it), the schema's where that does not.
SELECT wanted.role, wanted.schema, wanted.name, n.oid IS NOT NULL AS schema_exists, c.oid IS NOT NULL AS exists,
    pg_get_userbyid(c.relowner)::text AS owner,
    coalesce(has_schema_privilege(wanted.role, n.oid, 'CREATE'), false) AS creates,
    has_database_privilege(wanted.role, current_database(), 'CREATE') AS creates_schemas,
    coalesce(pg_has_role(wanted.role, c.relowner, 'USAGE'), false) AS owns,
    coalesce(has_table_privilege(wanted.role, c.oid, 'REFERENCES')
        OR has_any_column_privilege(wanted.role, c.oid, 'REFERENCES'), false) AS references_it,
    coalesce(has_table_privilege(wanted.role, c.oid, 'SELECT')
        AND has_any_column_privilege(wanted.role, c.oid, 'UPDATE'), false) AS updates,
    coalesce(NOT c.relrowsecurity OR r.rolbypassrls OR r.rolsuper
        OR (pg_has_role(wanted.role, c.relowner, 'USAGE') AND NOT c.relforcerowsecurity), true) AS sees_all_rows,
    coalesce(c.relforcerowsecurity, false) AS forced
FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (role, schema, name)
JOIN pg_roles AS r ON r.rolname = wanted.role
LEFT JOIN pg_namespace AS n ON n.nspname = wanted.schema
LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')

-- name: own session
-- After SET ROLE: who logged in, who we are, and whether that role may see and end sessions of the one who logged in.
SELECT session_user::text, current_user::text, session_user = current_user OR a.backend_start IS NOT NULL
    AND (pg_has_role(current_user, session_user, 'USAGE') OR pg_has_role(current_user, 'pg_signal_backend', 'USAGE'))
FROM pg_stat_activity AS a WHERE a.pid = pg_backend_pid()

-- name: backend
-- The process that answers, which behind a transaction pooler may be another one each time.
SELECT pg_backend_pid()
