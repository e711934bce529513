-- A number that may be shown to customers. A volatile default: every row gets its own value, the table is rewritten.

ALTER TABLE orders ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid();

COMMENT ON COLUMN orders.public_id IS 'In links and e-mails, in place of id';
