-- A hash chain over the events of each organization, in the log's order, and one over all events
-- that belong to none (organization: empty). Made by a follower of the log, never by an append.
-- digest: of the stored row. The n-th link is sha256(link n-1 || digest n); the one before the
-- first is 32 bytes of zero.
CREATE TABLE chain_link (
    organization text   NOT NULL,
    number       bigint NOT NULL,                     -- the first event of a chain is 1
    position     bigint NOT NULL,
    stream       uuid   NOT NULL,
    version      bigint NOT NULL,
    digest       bytea  NOT NULL,
    PRIMARY KEY (organization, number)
);

-- Where each chain stands. at: when its last event was recorded.
CREATE TABLE chain_head (
    organization text        PRIMARY KEY,
    position     bigint      NOT NULL,
    events       bigint      NOT NULL,
    head         bytea       NOT NULL,
    at           timestamptz NOT NULL
) WITH (fillfactor = 70);

-- The link after every so many events: where somebody rewrote links as well, it was between two.
CREATE TABLE chain_checkpoint (
    organization text   NOT NULL,
    events       bigint NOT NULL,
    head         bytea  NOT NULL,
    PRIMARY KEY (organization, events)
);

-- Whose a stream is.
CREATE TABLE chain_stream (
    stream       uuid PRIMARY KEY,
    organization text NOT NULL
);
CREATE INDEX chain_stream_organization ON chain_stream (organization);

-- A customer's name and address, as a call at Stripe was attempted with them: the log must not hold
-- them, and a call without an answer has to be sent again as it was. Gone once it is answered.
CREATE TABLE stripe_call_private (
    key          text  PRIMARY KEY,
    organization text  NOT NULL,
    parameters   jsonb NOT NULL
);
