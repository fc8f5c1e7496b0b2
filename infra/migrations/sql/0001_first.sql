-- The first schema: organisations, keys, jobs as a state machine, uploads, datasets, artifacts, audit.
-- Two roles use it, neither an owner nor a superuser, both bound by row-level security:
--   floor_app     the API, and workers once they know whose job they hold: sees one organisation (app.org)
--   floor_system  the dispatcher, and a worker's claim and lease: sees every organisation, but few columns change
-- Every unique key leads with org_id, so that no constraint can tell one organisation about another.

CREATE FUNCTION floor_org() RETURNS text LANGUAGE sql STABLE
AS $$ SELECT nullif(current_setting('app.org', true), '') $$;

CREATE TABLE orgs (
    id          text PRIMARY KEY,
    name        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    weight      double precision NOT NULL DEFAULT 1 CHECK (weight > 0 AND weight < 1e6),
    settings    jsonb NOT NULL DEFAULT '{}'   -- caps, quotas, retention, url_ttl_cap_s: see infra/orgs.py
);

CREATE TABLE members (
    org_id      text NOT NULL REFERENCES orgs (id),
    id          text NOT NULL,
    name        text NOT NULL,
    email       text,
    role        text NOT NULL CHECK (role IN ('owner', 'admin', 'quant', 'strategist', 'risk', 'compliance', 'viewer')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id)
);

CREATE TABLE api_keys (
    org_id       text NOT NULL REFERENCES orgs (id),
    id           text NOT NULL,
    public_id    text NOT NULL,               -- the part of the key that is not secret; unique by 96 random bits
    secret_hash  bytea NOT NULL,
    name         text NOT NULL,
    role         text NOT NULL CHECK (role IN ('owner', 'admin', 'quant', 'strategist', 'risk', 'compliance', 'viewer')),
    member_id    text,
    created_by   text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, member_id) REFERENCES members (org_id, id)
);
CREATE INDEX api_keys_by_public_id ON api_keys (public_id);

CREATE TABLE job_transitions (from_state text, to_state text, PRIMARY KEY (from_state, to_state));
INSERT INTO job_transitions VALUES
    ('waiting', 'queued'), ('waiting', 'failed'), ('waiting', 'cancelled'), ('waiting', 'succeeded'),
    ('queued', 'running'), ('queued', 'failed'), ('queued', 'cancelled'),
    ('running', 'succeeded'), ('running', 'failed'), ('running', 'cancelled'), ('running', 'queued');

CREATE TABLE pipelines (
    org_id       text NOT NULL REFERENCES orgs (id),
    id           text NOT NULL,
    steps        jsonb NOT NULL,              -- step name -> job id
    tags         jsonb NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   text,
    cancelled_at timestamptz,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE jobs (
    org_id          text NOT NULL REFERENCES orgs (id),
    id              text NOT NULL,
    kind            text NOT NULL,
    queue           text NOT NULL,
    state           text NOT NULL CHECK (state IN ('waiting', 'queued', 'running', 'succeeded', 'failed', 'cancelled')),
    params          jsonb NOT NULL,           -- validated, defaults filled in
    inputs          jsonb,                    -- references resolved: pointer -> {ref, sha256}; null until they can be
    tags            jsonb NOT NULL DEFAULT '{}',
    priority        text NOT NULL CHECK (priority IN ('low', 'normal', 'high')),
    cache           text NOT NULL CHECK (cache IN ('use', 'refresh', 'off')),
    callback_url    text,
    deadline_at     timestamptz,
    timeout_s       integer NOT NULL,
    memory_mb       integer NOT NULL,
    est_seconds     double precision,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      text,                     -- the key that asked
    request_id      text,
    pipeline_id     text,
    step            text,
    retry_of        text,
    -- while queued
    queued_at       timestamptz,
    run_at          timestamptz NOT NULL DEFAULT now(),   -- not before: backoff lives here
    rank            timestamptz NOT NULL DEFAULT now(),   -- run_at moved by priority: order that ages by itself
    dispatch_token  uuid,
    dispatched_at   timestamptz,
    -- while running
    attempt         integer NOT NULL DEFAULT 0,
    lease_token     uuid,
    lease_until     timestamptz,
    worker_id       text,
    started_at      timestamptz,
    cancel_requested_at timestamptz,
    progress        jsonb NOT NULL DEFAULT '{"fraction": 0, "stage": "", "message": ""}',
    -- at the end
    finished_at     timestamptz,
    result          jsonb,
    error           jsonb,
    input_digest    text,
    code_version    text,
    cached_from     text,
    run_s           double precision,
    cpu_s           double precision,
    version         bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, pipeline_id) REFERENCES pipelines (org_id, id),
    CHECK (state <> 'running' OR (lease_token IS NOT NULL AND lease_until IS NOT NULL)),
    CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX jobs_by_id ON jobs (id);
CREATE INDEX jobs_newest ON jobs (org_id, created_at DESC, id DESC);
CREATE INDEX jobs_to_dispatch ON jobs (queue, org_id, rank, id) WHERE state = 'queued' AND dispatched_at IS NULL;
CREATE INDEX jobs_dispatched ON jobs (queue, org_id, dispatched_at) WHERE state = 'queued' AND dispatched_at IS NOT NULL;
CREATE INDEX jobs_running ON jobs (queue, org_id, lease_until) WHERE state = 'running';
CREATE INDEX jobs_waiting ON jobs (org_id, id) WHERE state = 'waiting';
CREATE INDEX jobs_memo ON jobs (org_id, input_digest, finished_at DESC) WHERE state = 'succeeded';
CREATE INDEX jobs_of_pipeline ON jobs (org_id, pipeline_id) WHERE pipeline_id IS NOT NULL;
CREATE INDEX jobs_by_kind ON jobs (org_id, kind, created_at DESC, id DESC);
CREATE INDEX jobs_by_tags ON jobs USING gin (tags jsonb_path_ops);

CREATE FUNCTION jobs_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state
       AND NOT EXISTS (SELECT 1 FROM job_transitions WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'job % cannot go from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER jobs_guard BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION jobs_guard();

CREATE TABLE job_dependencies (
    org_id      text NOT NULL,
    job_id      text NOT NULL,
    depends_on  text NOT NULL,
    PRIMARY KEY (org_id, job_id, depends_on),
    FOREIGN KEY (org_id, job_id) REFERENCES jobs (org_id, id),
    FOREIGN KEY (org_id, depends_on) REFERENCES jobs (org_id, id)
);
CREATE INDEX job_dependants ON job_dependencies (org_id, depends_on);

CREATE TABLE job_events (
    org_id  text NOT NULL,
    job_id  text NOT NULL,
    seq     bigint GENERATED ALWAYS AS IDENTITY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    type    text NOT NULL,
    data    jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (org_id, job_id, seq),
    FOREIGN KEY (org_id, job_id) REFERENCES jobs (org_id, id)
);

CREATE TABLE job_logs (
    org_id   text NOT NULL,
    job_id   text NOT NULL,
    seq      bigint GENERATED ALWAYS AS IDENTITY,
    attempt  integer NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    level    text NOT NULL,
    message  text NOT NULL,
    PRIMARY KEY (org_id, job_id, seq),
    FOREIGN KEY (org_id, job_id) REFERENCES jobs (org_id, id)
);

CREATE TABLE artifacts (
    org_id      text NOT NULL,
    job_id      text NOT NULL,
    name        text NOT NULL,
    attempt     integer NOT NULL,
    media_type  text NOT NULL,
    bytes       bigint NOT NULL CHECK (bytes >= 0),
    sha256      text NOT NULL,
    rows        bigint,
    key         text NOT NULL,
    filename    text NOT NULL,
    deleted_at  timestamptz,
    PRIMARY KEY (org_id, job_id, name),
    FOREIGN KEY (org_id, job_id) REFERENCES jobs (org_id, id)
);

CREATE TABLE uploads (
    org_id        text NOT NULL REFERENCES orgs (id),
    id            text NOT NULL,
    filename      text NOT NULL,
    media_type    text NOT NULL DEFAULT 'application/octet-stream',
    bytes         bigint NOT NULL CHECK (bytes >= 0),
    sha256        text,                        -- as declared; what was found is checked against it at completion
    state         text NOT NULL CHECK (state IN ('pending', 'completed', 'rejected')),
    key           text NOT NULL,
    multipart_id  text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    text,
    expires_at    timestamptz NOT NULL,
    completed_at  timestamptz,
    deleted_at    timestamptz,
    PRIMARY KEY (org_id, id)
);

CREATE TABLE datasets (
    org_id          text NOT NULL REFERENCES orgs (id),
    id              text NOT NULL,
    name            text NOT NULL,
    type            text NOT NULL,
    current_version integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, name)
);

CREATE TABLE dataset_versions (
    org_id      text NOT NULL,
    dataset_id  text NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    job_id      text NOT NULL,
    artifact    text NOT NULL,
    sha256      text NOT NULL,
    bytes       bigint NOT NULL,
    key         text NOT NULL,
    rows        bigint NOT NULL,
    symbols     integer NOT NULL,
    start_date  date,
    end_date    date,
    schema      jsonb NOT NULL,
    health      jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz,
    PRIMARY KEY (org_id, dataset_id, version),
    FOREIGN KEY (org_id, dataset_id) REFERENCES datasets (org_id, id),
    FOREIGN KEY (org_id, job_id) REFERENCES jobs (org_id, id)
);

CREATE TABLE idempotency_keys (
    org_id       text NOT NULL REFERENCES orgs (id),
    key          text NOT NULL,
    fingerprint  text NOT NULL,                -- of method, path and canonical body
    status       integer NOT NULL,
    headers      jsonb NOT NULL,
    body         jsonb,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE audit_heads (
    org_id  text PRIMARY KEY REFERENCES orgs (id),
    seq     bigint NOT NULL,
    hash    text NOT NULL
);

CREATE TABLE audit (
    org_id      text NOT NULL REFERENCES orgs (id),
    seq         bigint NOT NULL,
    at          timestamptz NOT NULL,
    actor       text,                          -- key id, or system
    request_id  text,
    action      text NOT NULL,
    target      text,
    before      text,                          -- digests, never bodies
    after       text,
    prev_hash   text NOT NULL,
    hash        text NOT NULL,
    PRIMARY KEY (org_id, seq)
);

CREATE FUNCTION audit_text(a audit) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(a.org_id, a.seq, to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                             a.actor, a.request_id, a.action, a.target, a.before, a.after)::text
$$;

-- The head's row lock makes the chain gapless under concurrency; insert the audit row last in a transaction.
CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    head audit_heads%ROWTYPE;
BEGIN
    INSERT INTO audit_heads VALUES (NEW.org_id, 0, repeat('0', 64)) ON CONFLICT (org_id) DO NOTHING;
    SELECT * INTO head FROM audit_heads WHERE org_id = NEW.org_id FOR UPDATE;
    NEW.seq := head.seq + 1;
    NEW.at := clock_timestamp();
    NEW.prev_hash := head.hash;
    NEW.hash := encode(sha256(convert_to(head.hash || audit_text(NEW), 'UTF8')), 'hex');
    UPDATE audit_heads SET seq = NEW.seq, hash = NEW.hash WHERE org_id = NEW.org_id;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_chain();

CREATE FUNCTION audit_is_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is written once' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_is_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_written_once();

CREATE TABLE workers (
    id          text PRIMARY KEY,
    queue       text NOT NULL,
    host        text NOT NULL,
    pid         integer NOT NULL,
    slots       integer NOT NULL,
    build       text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    stopping    boolean NOT NULL DEFAULT false
);

-- Row-level security: on, forced, one policy for the tenant's own rows, one for the system role.
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['members', 'api_keys', 'pipelines', 'jobs', 'job_dependencies', 'job_events', 'job_logs',
                             'artifacts', 'uploads', 'datasets', 'dataset_versions', 'idempotency_keys', 'audit', 'audit_heads'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_rows ON %I TO floor_app USING (org_id = floor_org()) WITH CHECK (org_id = floor_org())', t);
        EXECUTE format('CREATE POLICY all_rows ON %I TO floor_system USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;
ALTER TABLE orgs ENABLE ROW LEVEL SECURITY;
ALTER TABLE orgs FORCE ROW LEVEL SECURITY;
CREATE POLICY own_row ON orgs TO floor_app USING (id = floor_org()) WITH CHECK (id = floor_org());
CREATE POLICY all_rows ON orgs TO floor_system USING (true) WITH CHECK (true);
-- A key may be looked up by whoever holds its public part, before it is known whose it is.
CREATE POLICY presented_key ON api_keys FOR SELECT TO floor_app
    USING (public_id = nullif(current_setting('app.presented_key', true), ''));
-- The chain's trigger runs as the owner, whom FORCE binds too.
CREATE POLICY chain ON audit_heads TO CURRENT_USER USING (true) WITH CHECK (true);

GRANT USAGE ON SCHEMA public TO floor_app, floor_system;
GRANT SELECT ON job_transitions TO floor_app, floor_system;
GRANT SELECT, UPDATE ON orgs TO floor_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON members, api_keys TO floor_app;
GRANT SELECT, INSERT, UPDATE ON pipelines, jobs, uploads, datasets TO floor_app;
GRANT SELECT, INSERT ON job_dependencies, job_events, job_logs, dataset_versions, audit TO floor_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON artifacts, idempotency_keys TO floor_app;
GRANT SELECT ON workers, audit_heads TO floor_app;
GRANT SELECT, INSERT, UPDATE ON orgs, jobs, pipelines TO floor_system;
GRANT SELECT, INSERT ON members, api_keys, job_events, job_logs, audit TO floor_system;
GRANT SELECT ON job_dependencies, artifacts, datasets, dataset_versions, uploads TO floor_system;
GRANT SELECT, DELETE ON idempotency_keys TO floor_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON workers TO floor_system;
