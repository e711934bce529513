-- A merchant sees the payouts that are its own and no others.

CREATE TABLE payouts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    merchant_id uuid NOT NULL REFERENCES merchants (id),
    amount_cents bigint NOT NULL CHECK (amount_cents > 0),
    status text NOT NULL DEFAULT 'planned' CHECK (status IN ('planned', 'sent', 'returned')),
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX payouts_merchant_id_idx ON payouts (merchant_id, created_at);

CREATE TRIGGER payouts_updated_at BEFORE UPDATE ON payouts
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TRIGGER payouts_audit AFTER INSERT OR UPDATE OR DELETE ON payouts
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();

ALTER TABLE payouts ENABLE ROW LEVEL SECURITY;

CREATE POLICY payouts_of_merchant ON payouts
    USING (merchant_id = nullif(current_setting('shop.merchant_id', true), '')::uuid);

COMMENT ON POLICY payouts_of_merchant ON payouts IS 'The application says SET shop.merchant_id; the owner sees all';
