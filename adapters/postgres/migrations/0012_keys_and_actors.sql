-- A key that was replaced stays in force until then.
ALTER TABLE api_key ADD COLUMN expires_at timestamptz;

-- Who made, replaced and revoked keys. It begins with this migration.
CREATE TABLE key_event (
    number    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key       text        NOT NULL REFERENCES api_key (id),
    event     text        NOT NULL CHECK (event IN ('created', 'rotated', 'revoked')),
    at        timestamptz NOT NULL DEFAULT now(),
    actor     text        NOT NULL,
    successor text        REFERENCES api_key (id),    -- rotated: the key that takes its place
    CHECK ((event = 'rotated') = (successor IS NOT NULL))
);

-- Who replayed or dismissed an entry.
ALTER TABLE quarantine ADD COLUMN resolved_by text;
