-- A receipt for every record that was ever quarantined. Entries are resolved, never deleted: one
-- that is missing beside its receipt was lost, and a verification says so.
CREATE TABLE quarantine_receipt (
    id           bigint PRIMARY KEY,                  -- of the entry
    organization text   NOT NULL
);
INSERT INTO quarantine_receipt SELECT id, organization FROM quarantine;

CREATE FUNCTION give_quarantine_receipts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO quarantine_receipt SELECT id, organization FROM kept;
    RETURN NULL;
END
$$;

CREATE TRIGGER quarantine_receipts AFTER INSERT ON quarantine
    REFERENCING NEW TABLE AS kept FOR EACH STATEMENT EXECUTE FUNCTION give_quarantine_receipts();
