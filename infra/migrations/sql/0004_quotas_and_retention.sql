-- Reproductions, quotas that hold a whole organisation, and what has to be deleted from the object store.

ALTER TABLE jobs ADD COLUMN reproduction_of text;  -- the job whose manifest this one runs again

-- An organisation that has used up its month's compute seconds: its queued jobs wait until then. Written by the
-- dispatcher, from rows; the claim reads it, for to sum up a month's jobs on every claim would cost too much.
ALTER TABLE orgs ADD COLUMN held_until timestamptz;

CREATE INDEX jobs_of_month ON jobs (org_id, finished_at) INCLUDE (run_s) WHERE run_s IS NOT NULL;
CREATE INDEX artifacts_stored ON artifacts (org_id, key) WHERE deleted_at IS NULL;
CREATE INDEX uploads_pending ON uploads (expires_at) WHERE state = 'pending';

-- Objects whose rows are gone, or that never got any: deleted when due, and only then forgotten here. So neither a
-- crash between the two nor a store that is away leaves bytes that nobody knows of.
CREATE TABLE doomed_objects (
    org_id        text NOT NULL REFERENCES orgs (id),
    key           text NOT NULL,              -- with a slash at its end: everything below
    multipart_id  text,                       -- an upload in parts to be given up
    due_at        timestamptz NOT NULL,
    PRIMARY KEY (org_id, key)
);
CREATE INDEX doomed_objects_due ON doomed_objects (due_at);

-- An attempt that ended otherwise than well may have stored files that nothing refers to. Its worker may still be
-- storing them: they are due when it can't be any more.
CREATE FUNCTION doom_lost_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO doomed_objects (org_id, key, due_at)
    VALUES (OLD.org_id, format('orgs/%s/jobs/%s/%s/', OLD.org_id, OLD.id, OLD.attempt),
            now() + greatest(interval '1 hour', make_interval(secs => OLD.timeout_s)))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER doom_lost_attempt AFTER UPDATE OF state ON jobs FOR EACH ROW
    WHEN (OLD.state = 'running' AND NEW.state NOT IN ('running', 'succeeded'))
    EXECUTE FUNCTION doom_lost_attempt();

ALTER TABLE doomed_objects ENABLE ROW LEVEL SECURITY;
ALTER TABLE doomed_objects FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON doomed_objects TO floor_app USING (org_id = floor_org()) WITH CHECK (org_id = floor_org());
CREATE POLICY all_rows ON doomed_objects TO floor_system USING (true) WITH CHECK (true);

GRANT INSERT ON doomed_objects TO floor_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON doomed_objects TO floor_system;
GRANT UPDATE ON artifacts TO floor_system;
GRANT UPDATE, DELETE ON uploads TO floor_system;
