-- As written nobody may read or write events from the moment this waits behind a reader of any partition.

CREATE TABLE events_2025_12 PARTITION OF events
    FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
