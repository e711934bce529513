-- Three actions in one statement: the lock of the quickest is held until the slowest has read the whole table.

ALTER TABLE orders
    ADD COLUMN shipped_at timestamptz,
    ADD CONSTRAINT orders_shipped_after_created CHECK (shipped_at >= created_at),
    ALTER COLUMN channel SET DEFAULT 'web';
