-- What this session's transaction holds on relations.
SELECT relation::bigint, mode
FROM pg_locks
WHERE pid = pg_backend_pid()
  AND locktype = 'relation'
  AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
