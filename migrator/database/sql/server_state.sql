-- What a facts file says beside definitions. Read-only, no locks; works on a standby.

-- name: settings
-- Settings that decide how long work takes and what it disturbs; none of them can hold a secret.
SELECT name, setting || coalesce(unit, '') FROM pg_settings
WHERE name = ANY (ARRAY['autovacuum', 'autovacuum_vacuum_cost_delay', 'autovacuum_vacuum_cost_limit', 'checkpoint_timeout',
    'deadlock_timeout', 'effective_io_concurrency', 'full_page_writes', 'hot_standby_feedback', 'idle_in_transaction_session_timeout',
    'lock_timeout', 'maintenance_work_mem', 'max_parallel_maintenance_workers', 'max_wal_size', 'server_version',
    'shared_buffers', 'statement_timeout', 'synchronous_commit', 'wal_level'])
ORDER BY name

-- name: standbys
-- Standbys, without their names and addresses; rows without a state where the role may not see them.
SELECT coalesce(sync_state, 'unknown'), extract(epoch FROM replay_lag)::float8
FROM pg_stat_replication
ORDER BY 1, 2

-- name: activity
-- How busy tables are, on average since the statistics were reset. Where they never were, since the server began: they may be older, so the true average is lower.
WITH covered AS (
    SELECT greatest(extract(epoch FROM now() - coalesce(stats_reset, pg_postmaster_start_time())), 1)::float8 AS seconds
    FROM pg_stat_database WHERE datname = current_database()
)
SELECT s.schemaname::text, s.relname::text, (coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0)) / c.seconds,
    (s.n_tup_ins + s.n_tup_upd + s.n_tup_del) / c.seconds, c.seconds
FROM pg_stat_user_tables AS s CROSS JOIN covered AS c
WHERE s.schemaname <> %(journal)s
ORDER BY 1, 2

-- name: begun
-- Versions that the journal has begun, in their order.
SELECT version FROM {journal}.migration WHERE state <> 'rolled_back' ORDER BY position
