-- As written writes wait until each index is built.

CREATE INDEX orders_channel_created_at_idx ON orders (channel, created_at);

CREATE INDEX orders_metadata_idx ON orders USING gin (metadata jsonb_path_ops);

CREATE INDEX order_items_product_id_idx ON order_items (product_id);

CREATE UNIQUE INDEX orders_confirmation_token_key ON orders (confirmation_token);
