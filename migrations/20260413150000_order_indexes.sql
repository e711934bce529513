-- As written writes wait until each index is built.

CREATE INDEX orders_placed_at_idx ON orders (placed_at);

CREATE INDEX order_items_product_id_idx ON order_items (product_id);

CREATE UNIQUE INDEX orders_public_id_key ON orders (public_id);
