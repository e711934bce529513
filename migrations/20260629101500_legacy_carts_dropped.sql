-- Nobody reads the old carts, and yet this stops the shop: their foreign key locks customers in ACCESS EXCLUSIVE too.

-- migrate: allow data-loss reason="copied to the archive; no code has named the table since January"
DROP TABLE legacy_carts;
