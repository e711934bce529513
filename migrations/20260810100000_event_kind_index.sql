-- As written writes to every partition wait until the index of the last one is built.

CREATE INDEX events_kind_happened_at_idx ON events (kind, happened_at);
