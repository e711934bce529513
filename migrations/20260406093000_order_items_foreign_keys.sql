-- As written each of these reads the whole child while both tables refuse writes.

ALTER TABLE order_items ADD CONSTRAINT order_items_order_fkey FOREIGN KEY (order_id) REFERENCES orders (id);

ALTER TABLE order_items ADD CONSTRAINT order_items_product_fkey FOREIGN KEY (product_id) REFERENCES products (id);
