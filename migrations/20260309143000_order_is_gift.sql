-- A constant default: instant since PostgreSQL 11, except for the queue that forms behind its lock.

ALTER TABLE orders ADD COLUMN is_gift boolean NOT NULL DEFAULT false;
