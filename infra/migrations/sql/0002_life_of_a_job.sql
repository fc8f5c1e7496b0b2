-- What the life of a job needs beside its states: who runs it, how many attempts count against it, and the indexes
-- that keep admission, quotas and estimates at a cost that does not grow with the queue.

ALTER TABLE jobs
    ADD COLUMN charged   integer NOT NULL DEFAULT 0,  -- attempts that count: handed back on purpose, one is not charged
    ADD COLUMN child_pid integer;                     -- the worker's child that runs it, for its own parent to end

CREATE INDEX jobs_held ON jobs (worker_id) WHERE state = 'running';
-- By finished_at and not by state, so that no one mistakes it for a way to find an organisation's queued jobs in order.
CREATE INDEX jobs_unfinished ON jobs (org_id) WHERE finished_at IS NULL;
CREATE INDEX jobs_measured ON jobs (org_id, kind, finished_at DESC) WHERE state = 'succeeded' AND run_s IS NOT NULL;
CREATE INDEX jobs_with_deadline ON jobs (deadline_at) WHERE state IN ('waiting', 'queued') AND deadline_at IS NOT NULL;

-- Where a job stands in its queue: by the time it may run, moved by its priority. A high one passes whatever came in
-- the last ten minutes, a low one lets pass what comes in the next thirty; so every job comes to the front by itself.
CREATE FUNCTION job_rank(run_at timestamptz, priority text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT run_at + CASE priority WHEN 'high' THEN interval '-10 minutes'
                                  WHEN 'low' THEN interval '30 minutes' ELSE interval '0' END
$$;
