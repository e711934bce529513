-- As written every partition is read from end to end while events and products refuse writes.

ALTER TABLE events ADD CONSTRAINT events_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id);
