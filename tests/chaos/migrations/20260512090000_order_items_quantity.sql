-- Each row exactly once, by a key of two columns: a second time would show.

-- migrate: backfill existing-rows
UPDATE order_items SET quantity = quantity + 1;
