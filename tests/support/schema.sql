-- A database in use: what the statements of `statements.sql` are about.
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE DOMAIN amount AS numeric;
CREATE TABLE customers (
    id bigint PRIMARY KEY,
    email varchar(50) NOT NULL,
    name text,
    country text DEFAULT 'GB',
    score numeric,
    seen timestamptz,
    UNIQUE (email)
);
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint CONSTRAINT orders_customer_fkey REFERENCES customers,
    product_id bigint,
    number text,
    code varchar(10),
    total integer NOT NULL DEFAULT 0,
    placed timestamp,
    weight numeric,
    note text,
    CONSTRAINT orders_total_check CHECK (total >= 0)
);
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
CREATE INDEX orders_code_lower_idx ON orders (lower(code));
ALTER TABLE orders ADD CONSTRAINT orders_note_check CHECK (note <> '') NOT VALID;
CREATE TABLE products (id bigint PRIMARY KEY, name text);
CREATE TABLE order_notes (id bigint PRIMARY KEY, order_id bigint REFERENCES orders, note text);
CREATE SEQUENCE numbers;
CREATE SCHEMA archive;
CREATE FUNCTION unused() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TABLE events (id bigint, at date NOT NULL, kind text, customer_id bigint) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE events_2024 (id bigint, at date NOT NULL, kind text, customer_id bigint);
CREATE INDEX events_at_idx ON events (at);
CREATE VIEW glad AS SELECT id, name FROM customers WHERE score > 10;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, count(*) AS orders FROM orders GROUP BY customer_id;
CREATE UNIQUE INDEX totals_customer_id_idx ON totals (customer_id);
CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS orders FROM orders;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER orders_touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE POLICY own ON customers USING (true);
