-- Takes no lock on any table. A transaction that adds a value cannot use it: the two must not share one.

ALTER TYPE payment_method ADD VALUE 'wallet' AFTER 'card';
