-- The rows of the shop before its doors open: %(customers)s customers, %(products)s products, %(orders)s orders.

SET synchronous_commit = off;

INSERT INTO customers (id, email, name, country, created_at)
SELECT n, 'Customer.' || n || '@Example.com', 'Customer ' || n, (ARRAY['GB', 'FR', 'DE', 'PL'])[1 + n %% 4],
       timestamptz '2025-01-01 00:00+00' + n * interval '30 seconds'
FROM generate_series(1, %(customers)s) AS n;

INSERT INTO products (id, sku, name, price_cents, stock)
SELECT n, 'SKU-' || n, 'Product ' || n, 100 + n * 7 %% 9000, 1000000
FROM generate_series(1, %(products)s) AS n;

-- Every tenth order is from the time before `channel` was written.
INSERT INTO orders (id, customer_id, status, channel, total_cents, placed_at)
SELECT n, 1 + n * 7919 %% %(customers)s, 'delivered',
       CASE WHEN n %% 10 <> 0 THEN (ARRAY['web', 'app', 'shop'])[1 + n %% 3] END, 100 + n * 31 %% 50000,
       timestamptz '2025-02-01 00:00+00' + n * interval '20 seconds'
FROM generate_series(1::bigint, %(orders)s) AS n;

INSERT INTO order_items (order_id, line, product_id, quantity, price_cents)
SELECT n, 1, 1 + n * 13 %% %(products)s, 1 + n %% 3, 100 + n * 31 %% 50000
FROM generate_series(1::bigint, %(orders)s) AS n;

INSERT INTO order_events (order_id, number, status, happened_at)
SELECT n, 1, 'delivered', timestamptz '2025-02-03 00:00+00' + n * interval '20 seconds'
FROM generate_series(1::bigint, %(orders)s) AS n;

SELECT setval(pg_get_serial_sequence('customers', 'id'), %(customers)s),
       setval(pg_get_serial_sequence('products', 'id'), %(products)s),
       setval(pg_get_serial_sequence('orders', 'id'), %(orders)s);

VACUUM (ANALYZE) customers, products, orders, order_items, order_events;

CHECKPOINT;
