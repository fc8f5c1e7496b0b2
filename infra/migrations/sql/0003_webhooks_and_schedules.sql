-- Secrets at rest, webhooks with their deliveries, schedules with their fires; and when a pipeline was over.

CREATE TABLE org_secrets (
    org_id      text NOT NULL REFERENCES orgs (id),
    purpose     text NOT NULL,
    owner       text NOT NULL,                -- what it belongs to: a webhook's id, or the organisation's own
    version     integer NOT NULL CHECK (version > 0),
    key_id      text NOT NULL,                -- which key wrapped the data key
    wrapped     bytea NOT NULL,
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    PRIMARY KEY (org_id, purpose, owner, version)
);
CREATE INDEX org_secrets_by_key ON org_secrets (key_id);

CREATE TABLE webhooks (
    org_id           text NOT NULL REFERENCES orgs (id),
    id               text NOT NULL,
    url              text NOT NULL,
    event_types      text[] NOT NULL CHECK (cardinality(event_types) > 0),
    description      text NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL DEFAULT now(),
    created_by       text,
    failing_since    timestamptz,             -- of an unbroken row of failures
    disabled_at      timestamptz,
    disabled_reason  text CHECK (disabled_reason IN ('asked', 'gone', 'failing')),
    PRIMARY KEY (org_id, id),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
CREATE INDEX webhooks_newest ON webhooks (org_id, created_at DESC, id DESC);

CREATE TABLE deliveries (
    org_id       text NOT NULL REFERENCES orgs (id),
    id           text NOT NULL,               -- also its webhook-id: the same on every attempt
    webhook_id   text,                        -- null: a job's callback_url
    url          text,                        -- of a callback; a webhook's own may change between attempts
    lane         text NOT NULL,               -- what a slow receiver holds up, and no more
    type         text NOT NULL,
    body         text NOT NULL,               -- the bytes that are signed and sent, the same on every attempt
    state        text NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    created_at   timestamptz NOT NULL DEFAULT now(),
    due_at       timestamptz NOT NULL DEFAULT now(),
    tries        integer NOT NULL DEFAULT 0,  -- of the schedule of retries; a redelivery begins anew
    attempts     integer NOT NULL DEFAULT 0,  -- ever
    claim        uuid,
    claimed_until timestamptz,
    ended_at     timestamptz,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, webhook_id) REFERENCES webhooks (org_id, id) ON DELETE CASCADE,
    CHECK ((webhook_id IS NULL) = (url IS NOT NULL)),
    CHECK ((state = 'pending') = (ended_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX deliveries_due ON deliveries (lane, due_at) WHERE state = 'pending';
CREATE INDEX deliveries_claimed ON deliveries (claimed_until) WHERE claimed_until IS NOT NULL;
CREATE INDEX deliveries_of_webhook ON deliveries (org_id, webhook_id, created_at DESC, id DESC);
CREATE INDEX deliveries_by_age ON deliveries (created_at);

CREATE TABLE delivery_attempts (
    org_id       text NOT NULL,
    delivery_id  text NOT NULL,
    number       integer NOT NULL,
    at           timestamptz NOT NULL,
    status       integer,                     -- null: no answer came
    error        text,                        -- one word: refused, dns, connect, tls, timeout, broken
    latency_ms   integer NOT NULL,
    response     text NOT NULL,               -- its first 2 kB
    PRIMARY KEY (org_id, delivery_id, number),
    FOREIGN KEY (org_id, delivery_id) REFERENCES deliveries (org_id, id) ON DELETE CASCADE
);

CREATE TABLE schedules (
    org_id         text NOT NULL REFERENCES orgs (id),
    id             text NOT NULL,
    name           text NOT NULL,
    cron           text NOT NULL,
    timezone       text NOT NULL,
    calendar       text,
    catch_up       text NOT NULL CHECK (catch_up IN ('skip', 'last', 'all')),
    what           text NOT NULL CHECK (what IN ('job', 'pipeline')),
    body           jsonb NOT NULL,            -- as it came; what it refers to is resolved at each tick
    created_at     timestamptz NOT NULL DEFAULT now(),
    created_by     text NOT NULL,             -- the key it runs as
    paused_at      timestamptz,
    paused_reason  text,
    looked_until   timestamptz NOT NULL,      -- ticks up to here are settled
    next_at        timestamptz,               -- null: no tick to come
    missed         bigint NOT NULL DEFAULT 0, -- ticks that catch_up passed over
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, created_by) REFERENCES api_keys (org_id, id),
    CHECK ((paused_at IS NULL) = (paused_reason IS NULL))
);
CREATE INDEX schedules_newest ON schedules (org_id, created_at DESC, id DESC);
CREATE INDEX schedules_due ON schedules (next_at) WHERE paused_at IS NULL AND next_at IS NOT NULL;

CREATE TABLE schedule_fires (
    org_id       text NOT NULL,
    schedule_id  text NOT NULL,
    fire_time    timestamptz NOT NULL,
    fired_at     timestamptz NOT NULL DEFAULT now(),
    job_id       text,
    pipeline_id  text,
    error        jsonb,                       -- the problem that kept it from being submitted
    PRIMARY KEY (org_id, schedule_id, fire_time),   -- each tick once, whatever the number of schedulers
    FOREIGN KEY (org_id, schedule_id) REFERENCES schedules (org_id, id) ON DELETE CASCADE,
    CHECK (num_nonnulls(job_id, pipeline_id, error) = 1)
);

-- When a pipeline's last step was over: set once, in the transaction that tells of it.
ALTER TABLE pipelines ADD COLUMN finished_at timestamptz;
CREATE INDEX pipelines_unfinished ON pipelines (org_id, id) WHERE finished_at IS NULL;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['org_secrets', 'webhooks', 'deliveries', 'delivery_attempts', 'schedules', 'schedule_fires'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_rows ON %I TO floor_app USING (org_id = floor_org()) WITH CHECK (org_id = floor_org())', t);
        EXECUTE format('CREATE POLICY all_rows ON %I TO floor_system USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON org_secrets, webhooks, deliveries, schedules TO floor_app;
GRANT SELECT, INSERT ON delivery_attempts, schedule_fires TO floor_app;
-- The system role claims what is due, enqueues what its own endings tell of, prunes the log, and wraps keys anew.
GRANT SELECT ON webhooks, schedules, delivery_attempts TO floor_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries TO floor_system;
GRANT SELECT, UPDATE ON org_secrets TO floor_system;
