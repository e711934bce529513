-- Instant, and gone for good: code that still names the column fails from that moment on.

-- migrate: allow data-loss reason="copied to the archive; no release since May names it"
ALTER TABLE orders DROP COLUMN legacy_reference;
