-- Who changed what: old and new values of rows, written by a trigger.

CREATE TABLE audit_log (
    id bigserial PRIMARY KEY,
    table_name text NOT NULL,
    row_id uuid NOT NULL,
    action text NOT NULL CHECK (action IN ('INSERT', 'UPDATE', 'DELETE')),
    old_values jsonb,
    new_values jsonb,
    changed_by text NOT NULL DEFAULT current_user,
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX audit_log_row_id_idx ON audit_log (row_id, changed_at);

CREATE FUNCTION write_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_log (table_name, row_id, action, old_values, new_values)
    VALUES (
        TG_TABLE_NAME,
        CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END,
        TG_OP,
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
        CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
    );
    RETURN NULL;
END
$$;

-- On what people change by hand, and on prices, not on stock. Not on orders and customers: their rows are many and
-- change all day, every one of them would be stored twice more, and orders have a history of their own.
CREATE TRIGGER merchants_audit AFTER INSERT OR UPDATE OR DELETE ON merchants
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();

CREATE TRIGGER products_audit AFTER INSERT OR DELETE OR UPDATE OF name, price_cents, status ON products
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();
