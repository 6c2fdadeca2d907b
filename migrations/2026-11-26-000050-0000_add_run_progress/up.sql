-- How far a long run is, in its handler's own words: for whoever waits for it.

alter table job_executions add column progress jsonb;

comment on column job_executions.progress is 'What the handler last said about how far it is, about once a second; kept when the run ends.';
