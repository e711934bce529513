-- Everything that users made in a database, as the DROP statements that remove it (`migrate reset`).
-- Identities are the server's own, quoted and qualified. What extensions own stays.

-- name: subscriptions
-- Subscriptions of this database: dropping one reaches out to another server.
SELECT subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: first
-- What would hinder or watch the rest: event triggers, publications.
SELECT format('DROP EVENT TRIGGER %%I CASCADE', evtname) FROM pg_event_trigger
WHERE NOT EXISTS (
    SELECT FROM pg_depend AS m
    WHERE m.classid = 'pg_event_trigger'::regclass AND m.objid = pg_event_trigger.oid AND m.deptype = 'e')
UNION ALL
SELECT format('DROP PUBLICATION %%I CASCADE', pubname) FROM pg_publication

-- name: extensions
-- Extensions of these names that this role may drop, and that no other extension needs.
SELECT format('DROP EXTENSION %%I CASCADE', e.extname) FROM pg_extension AS e
WHERE e.extname = ANY (%(names)s::text[]) AND e.extname <> 'plpgsql' AND pg_has_role(e.extowner, 'USAGE')
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d JOIN pg_extension AS needs ON needs.oid = d.objid
        WHERE d.classid = 'pg_extension'::regclass AND d.refclassid = 'pg_extension'::regclass
            AND d.refobjid = e.oid AND needs.extname <> ALL (%(names)s::text[]))

-- name: schemas
-- Schemas, but for public and those that hold something of an extension.
SELECT format('DROP SCHEMA %%I CASCADE', n.nspname) FROM pg_namespace AS n
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public')
    AND NOT EXISTS (
        SELECT FROM pg_depend AS m
        WHERE m.classid = 'pg_namespace'::regclass AND m.objid = n.oid AND m.deptype = 'e')
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        LEFT JOIN pg_depend AS m ON m.classid = d.classid AND m.objid = d.objid AND m.deptype = 'e'
        WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.deptype = 'n'
            AND (d.classid = 'pg_extension'::regclass OR m.objid IS NOT NULL))

-- name: objects
-- What is in the schemas that stay, and is nobody's member; each with what depends on it.
SELECT format(
    CASE o.type WHEN 'statistics object' THEN 'DROP STATISTICS IF EXISTS %%2$s CASCADE'
        ELSE 'DROP %%1$s IF EXISTS %%2$s CASCADE' END, o.type, o.identity)
FROM pg_depend AS d
JOIN pg_namespace AS n ON n.oid = d.refobjid,
    LATERAL pg_identify_object(d.classid, d.objid, 0) AS o
WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n'
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND d.classid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass,
        'pg_opclass'::regclass, 'pg_opfamily'::regclass, 'pg_collation'::regclass, 'pg_conversion'::regclass,
        'pg_statistic_ext'::regclass, 'pg_ts_config'::regclass, 'pg_ts_dict'::regclass,
        'pg_ts_parser'::regclass, 'pg_ts_template'::regclass)
    AND NOT EXISTS (
        SELECT FROM pg_depend AS m
        WHERE m.classid = d.classid AND m.objid = d.objid AND m.deptype IN ('e', 'i')
            AND (m.refclassid, m.refobjid) <> (d.classid, d.objid))  -- a partitioned table depends on itself
ORDER BY d.classid <> 'pg_class'::regclass, o.type <> 'table', d.objid

-- name: last
-- What is in no schema: foreign servers, wrappers, casts, transforms, languages, access methods, large objects.
SELECT format('DROP %%s IF EXISTS %%s CASCADE', replace(o.type, 'foreign-data', 'FOREIGN DATA'), o.identity)
FROM (
    SELECT 1 AS place, 'pg_foreign_server'::regclass AS class, oid FROM pg_foreign_server
    UNION ALL SELECT 2, 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
    UNION ALL SELECT 3, 'pg_cast'::regclass, oid FROM pg_cast
    UNION ALL SELECT 4, 'pg_transform'::regclass, oid FROM pg_transform
    UNION ALL SELECT 5, 'pg_language'::regclass, oid FROM pg_language
    UNION ALL SELECT 6, 'pg_am'::regclass, oid FROM pg_am
) AS found, LATERAL pg_identify_object(found.class, found.oid, 0) AS o
WHERE found.oid >= 16384 AND NOT EXISTS (
    SELECT FROM pg_depend AS m
    WHERE m.classid = found.class AND m.objid = found.oid AND m.deptype IN ('e', 'i'))
UNION ALL
SELECT format('SELECT pg_catalog.lo_unlink(%%s)', oid) FROM pg_largeobject_metadata

-- name: others
-- Sessions of others that are in a transaction in this database.
SELECT pid, usename, application_name, state, extract(epoch FROM clock_timestamp() - xact_start)::float8
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    AND backend_type = 'client backend'
ORDER BY xact_start
