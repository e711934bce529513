-- A volatile default on a table without a key: its backfill walks pages.

ALTER TABLE order_history ADD COLUMN entry_id uuid NOT NULL DEFAULT gen_random_uuid();
