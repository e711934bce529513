-- Each partition waits for ACCESS EXCLUSIVE on events, and keeps it until the last one is made.

-- migrate: allow no-safe-sequence reason="the function creates empty partitions and nothing else"
SELECT create_event_partitions('2027-01-01', 6);
