-- For links in e-mails. A volatile default: every row gets its own value, the table and all its indexes are rewritten.

ALTER TABLE orders ADD COLUMN confirmation_token uuid NOT NULL DEFAULT gen_random_uuid();

COMMENT ON COLUMN orders.confirmation_token IS 'Who knows it may see the order without signing in';
