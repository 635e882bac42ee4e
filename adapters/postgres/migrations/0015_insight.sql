-- Which organizations have spend alerts: a projection of their streams.
CREATE TABLE spend_alert (
    organization text   NOT NULL,
    alert        text   NOT NULL,
    position     bigint NOT NULL,                     -- of the event that configured it last
    PRIMARY KEY (organization, alert)
);

-- How far alerts were looked at, by cycle: at which version of it, with which alerts.
CREATE TABLE alert_look (
    cycle     text        PRIMARY KEY,
    version   bigint      NOT NULL,
    alerts    bigint      NOT NULL,                   -- position of the newest of them then
    looked_at timestamptz NOT NULL
);

-- Alerts that were reached. times: how often the alert had been configured by then.
CREATE TABLE alert_reached (
    cycle      text        NOT NULL,
    alert      text        NOT NULL,
    times      integer     NOT NULL,
    reached_at timestamptz NOT NULL,
    PRIMARY KEY (cycle, alert, times)
);
