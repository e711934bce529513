-- As written reads and writes wait until the index behind the constraint is built.

ALTER TABLE customers ADD CONSTRAINT customers_email_normalised_key UNIQUE (email_normalised);
