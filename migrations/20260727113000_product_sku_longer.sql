-- Free but for the lock: a longer varchar neither rewrites the table nor its indexes.

ALTER TABLE products ALTER COLUMN sku TYPE varchar(64);
