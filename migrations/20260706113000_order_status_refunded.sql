-- One more status. As written the table is without the constraint for a while, then read while nobody else may even read it.

ALTER TABLE orders DROP CONSTRAINT orders_status_check;

ALTER TABLE orders ADD CONSTRAINT orders_status_check
    CHECK (status IN ('new', 'paid', 'packed', 'sent', 'delivered', 'returned', 'refunded'));
