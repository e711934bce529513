-- The rows of the shop before its doors open: %(customers)s customers, %(products)s products, %(orders)s orders.
-- The id of row n of a table is md5('table n')::uuid, so that two copies are equal and the application finds it.

SET synchronous_commit = off;

SELECT create_event_partitions(current_date, 3);

INSERT INTO merchants (id, name, created_at)
SELECT md5('merchant ' || n)::uuid, 'Merchant ' || n, timestamptz '2025-12-01 00:00+00'
FROM generate_series(1, 10) AS n;

INSERT INTO payouts (id, merchant_id, amount_cents, created_at)
SELECT md5('payout ' || n)::uuid, md5('merchant ' || 1 + n %% 10)::uuid, 1000 * n, timestamptz '2026-01-01 00:00+00'
FROM generate_series(1, 100) AS n;

INSERT INTO categories (id, name, created_at)
SELECT md5('category ' || n)::uuid, 'Category ' || n, timestamptz '2025-12-01 00:00+00'
FROM generate_series(1, 20) AS n;

INSERT INTO customers (id, email, name, country, metadata, created_at)
SELECT md5('customer ' || n)::uuid, 'Customer.' || n || '@Example.com', 'Customer ' || n,
       (ARRAY['GB', 'FR', 'DE', 'PL'])[1 + n %% 4], jsonb_build_object('newsletter', n %% 3 = 0),
       timestamptz '2025-12-01 00:00+00' + n * (interval '300 days' / %(customers)s)
FROM generate_series(1, %(customers)s) AS n;

INSERT INTO products (id, merchant_id, sku, name, description, price_cents, stock, metadata, created_at)
SELECT md5('product ' || n)::uuid, md5('merchant ' || 1 + n %% 10)::uuid, 'SKU-' || n, 'Product ' || n,
       (ARRAY['a warm coat', 'running shoes', 'a glass lamp'])[1 + n %% 3], 100 + n * 7 %% 9000, 1000000,
       jsonb_build_object('colour', (ARRAY['red', 'green', 'blue'])[1 + n %% 3], 'size', n %% 7),
       timestamptz '2025-12-01 00:00+00'
FROM generate_series(1, %(products)s) AS n;

INSERT INTO product_categories (product_id, category_id, created_at)
SELECT md5('product ' || n)::uuid, md5('category ' || 1 + n %% 20)::uuid, timestamptz '2025-12-01 00:00+00'
FROM generate_series(1, %(products)s) AS n;

-- Every tenth order is from the time before `channel` was written.
INSERT INTO orders (id, customer_id, status, channel, total_cents, coupon, legacy_reference, metadata, created_at)
SELECT md5('order ' || n)::uuid, md5('customer ' || 1 + n * 7919 %% %(customers)s)::uuid, 'delivered',
       CASE WHEN n %% 10 <> 0 THEN (ARRAY['web', 'app', 'shop'])[1 + n %% 3] END, 100 + n * 31 %% 50000,
       CASE WHEN n %% 25 = 0 THEN 'SPRING' || n %% 100 END, CASE WHEN n %% 20 = 0 THEN 'L-' || n END,
       jsonb_build_object('campaign', n %% 50),
       timestamptz '2026-01-01 00:00+00' + n * (interval '300 days' / %(orders)s)
FROM generate_series(1::bigint, %(orders)s) AS n;

INSERT INTO order_items (order_id, line, product_id, quantity, price_cents)
SELECT md5('order ' || n)::uuid, 1, md5('product ' || 1 + n * 13 %% %(products)s)::uuid, 1 + n %% 3,
       100 + n * 31 %% 50000
FROM generate_series(1::bigint, %(orders)s) AS n;

INSERT INTO order_history (order_id, number, status, happened_at)
SELECT md5('order ' || n)::uuid, 1, 'delivered',
       timestamptz '2026-01-02 00:00+00' + n * (interval '300 days' / %(orders)s)
FROM generate_series(1::bigint, %(orders)s) AS n;

INSERT INTO events (id, kind, order_id, product_id, payload, happened_at)
SELECT md5('event ' || n)::uuid, 'order placed', md5('order ' || n)::uuid,
       md5('product ' || 1 + n * 13 %% %(products)s)::uuid, jsonb_build_object('campaign', n %% 50),
       timestamptz '2026-01-01 00:00+00' + n * (interval '300 days' / %(orders)s)
FROM generate_series(1::bigint, %(orders)s) AS n;

INSERT INTO legacy_carts (customer_id, content, created_at)
SELECT md5('customer ' || n)::uuid, jsonb_build_array('SKU-' || 1 + n %% 1000),
       timestamptz '2025-01-01 00:00+00' + n * (interval '300 days' / %(customers)s)
FROM generate_series(1, %(customers)s) AS n;

REFRESH MATERIALIZED VIEW sales_by_day;

VACUUM (ANALYZE) merchants, customers, categories, products, product_categories, orders, order_items, order_history, events,
    audit_log, payouts, legacy_carts;

CHECKPOINT;
