-- A name that running code might use goes in the contract phase.

-- migrate: allow breaks-running-code reason="nobody reads the column yet"
ALTER TABLE order_history RENAME COLUMN entry_id TO history_id;
