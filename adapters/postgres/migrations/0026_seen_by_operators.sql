-- Since when the mail server takes nothing; no row while it does. One of the workers asks it again
-- at probe_at.
CREATE TABLE mail_outage (
    one      boolean     PRIMARY KEY DEFAULT true CHECK (one),
    since    timestamptz NOT NULL,
    reason   text        NOT NULL,
    probe_at timestamptz NOT NULL
);

-- An e-mail that will not be sent, because there is nobody to write to or somebody said so.
ALTER TABLE mail DROP CONSTRAINT mail_status_check,
    ADD CONSTRAINT mail_status_check CHECK (status IN ('waiting', 'sent', 'given_up', 'dropped')),
    ADD COLUMN dropped_by text,
    ADD COLUMN dropped_because text;
CREATE INDEX mail_unsent ON mail (number) WHERE status IN ('waiting', 'given_up');

-- What somebody asks for goes before what waits by itself.
ALTER TABLE webhook_line ADD COLUMN urgent boolean NOT NULL DEFAULT false;
DROP INDEX webhook_line_due;
CREATE INDEX webhook_line_due ON webhook_line (urgent DESC, due_at);

-- For forgetting what ended long ago.
CREATE INDEX sign_in_link_expires_at ON sign_in_link (expires_at);
