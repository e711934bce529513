-- As written this reads the whole table while nobody else may even read it.

ALTER TABLE orders ADD CONSTRAINT orders_total_not_negative CHECK (total_cents >= 0);
