-- A column that the application writes already; the directive says that only rows with nothing in it are meant.

-- migrate: backfill existing-rows
UPDATE orders SET channel = 'web' WHERE channel IS NULL;
