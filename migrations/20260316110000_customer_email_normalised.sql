-- A new column, filled from another one. One UPDATE locks and rewrites every row, then SET NOT NULL scans them all.

ALTER TABLE customers ADD COLUMN email_normalised text;

UPDATE customers SET email_normalised = lower(email);

ALTER TABLE customers ALTER COLUMN email_normalised SET NOT NULL;
