-- What check-job-health has found to be wrong, and whom it has told.

create type alert_severity as enum ('warning', 'critical');

create table alerts (
    rule text not null,
    subject text not null,
    severity alert_severity not null,
    value double precision not null,
    message text not null,
    opened_at timestamptz not null default now(),
    resolved_at timestamptz,
    announced boolean not null,
    notified_at timestamptz,
    notified_severity alert_severity,

    primary key (rule, subject),
    constraint alerts_notified_with_severity check ((notified_at is null) = (notified_severity is null))
);

comment on table alerts is 'One row for each thing that was ever wrong, as it was last; open while resolved_at is null.';
comment on column alerts.subject is 'What is wrong, where a rule looks at several things (a job type, a schedule, a queue); empty otherwise.';
comment on column alerts.announced is 'Somebody was told that it is open; what comes back soon after it was told of is not told again.';
