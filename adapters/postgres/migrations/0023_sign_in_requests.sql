-- Who asked for a link to sign in by e-mail. Rows go after a day; an address goes as soon as it was
-- written to, or given up.
CREATE TABLE sign_in_request (
    number   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address  text,                                       -- null: nothing is to be sent any more
    seal     bytea,                                      -- its hash; null: not written to
    client   text        NOT NULL,                       -- where it was asked from
    at       timestamptz NOT NULL,
    attempts integer     NOT NULL DEFAULT 0,
    due_at   timestamptz NOT NULL DEFAULT '-infinity',
    error    text
);
CREATE INDEX sign_in_request_waiting ON sign_in_request (due_at) WHERE address IS NOT NULL;
CREATE INDEX sign_in_request_seal ON sign_in_request (seal, at);
CREATE INDEX sign_in_request_client ON sign_in_request (client, at);
CREATE INDEX sign_in_request_at ON sign_in_request (at);
