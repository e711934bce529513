-- As written this reads the whole table while nobody else may even read it.

ALTER TABLE orders ALTER COLUMN channel SET NOT NULL;
