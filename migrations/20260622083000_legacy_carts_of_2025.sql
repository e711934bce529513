-- One transaction: a lock on every row until the last is gone, and replicas get all of it at once.

-- migrate: allow data-loss reason="carts of the old software; the lawyers want those before April deleted"
DELETE FROM legacy_carts WHERE created_at < '2025-04-01 00:00+00';
