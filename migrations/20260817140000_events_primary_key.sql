-- As written reads and writes wait until the index of every partition is built.

ALTER TABLE events ADD PRIMARY KEY (id, happened_at);
