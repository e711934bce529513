-- The log turned out to be a table. As written reads and writes wait until the index is built.

ALTER TABLE order_history ADD PRIMARY KEY (order_id, number);
