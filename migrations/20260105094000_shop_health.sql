-- For those on call: what the database is busy with, and which tables wait for vacuum.

CREATE VIEW shop_health AS
SELECT
    tables.relname AS table_name,
    tables.n_live_tup AS live_rows,
    tables.n_dead_tup AS dead_rows,
    tables.seq_scan AS sequential_scans,
    greatest(tables.last_vacuum, tables.last_autovacuum) AS last_vacuum,
    sessions.active AS active_sessions,
    sessions.waiting AS sessions_waiting_for_a_lock,
    sessions.oldest AS oldest_transaction
FROM pg_stat_user_tables AS tables
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE state = 'active') AS active,
        count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting,
        max(now() - xact_start) AS oldest
    FROM pg_stat_activity
    WHERE datname = current_database()
) AS sessions;

COMMENT ON VIEW shop_health IS 'One row for each table; what is said of sessions is the same in all';
