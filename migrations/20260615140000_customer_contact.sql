-- One transaction keeps every lock to its end: the instant first statement stops the shop while the second reads all rows.

BEGIN;

ALTER TABLE customers ADD COLUMN phone text;

ALTER TABLE customers ADD CONSTRAINT customers_name_not_blank CHECK (btrim(name) <> '');

COMMIT;
