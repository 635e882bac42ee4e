-- A change that somebody approved is noted before it is carried out, so that one whose process died
-- can be settled by a look into the log. Who decides holds a lock that ends with the connection:
-- claimed_till is for processes of the release before.
ALTER TABLE change_request
    ADD COLUMN begun_by     text,                     -- who approved it
    ADD COLUMN begun_reason text,
    ADD COLUMN begun_after  bigint,                   -- the log's last position before
    ADD CHECK ((begun_by IS NULL) = (begun_after IS NULL));
