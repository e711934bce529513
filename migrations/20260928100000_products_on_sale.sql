-- From this moment on whoever does not own the table sees only what a policy shows; the lock is the smaller danger.

CREATE POLICY products_on_sale ON products FOR SELECT USING (status = 'active');

-- migrate: allow breaks-running-code reason="the application owns the table; the reporting role is to see no drafts"
ALTER TABLE products ENABLE ROW LEVEL SECURITY;
