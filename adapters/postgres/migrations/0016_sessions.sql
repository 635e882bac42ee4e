-- Who is signed in to the pages. Only the hash of a session's token is kept.
CREATE TABLE web_session (
    digest       bytea       PRIMARY KEY,
    actor        text        NOT NULL,                   -- as events name them
    role         text        NOT NULL CHECK (role IN ('organization', 'support', 'admin')),
    organization text,
    key          text        REFERENCES api_key (id),    -- signed in by it; ends with it
    begun_at     timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    CHECK ((role = 'organization') = (organization IS NOT NULL))
);
CREATE INDEX web_session_expires_at ON web_session (expires_at);

-- Links that let somebody sign in, with who made them; each works once.
CREATE TABLE sign_in_link (
    link       text        PRIMARY KEY,
    made_by    text        NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT now(),
    actor      text        NOT NULL,                    -- who signs in by it, and as what
    role       text        NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
