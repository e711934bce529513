-- A new table is free, but its foreign keys queue for a lock that makes all writes of orders and customers wait.

CREATE TABLE returns (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    order_id uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    customer_id uuid NOT NULL REFERENCES customers (id),
    reason text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'announced' CHECK (status IN ('announced', 'arrived', 'refunded')),
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE returns IS 'What comes back';

CREATE INDEX returns_order_id_idx ON returns (order_id);

CREATE INDEX returns_customer_id_idx ON returns (customer_id);

CREATE TRIGGER returns_updated_at BEFORE UPDATE ON returns
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
