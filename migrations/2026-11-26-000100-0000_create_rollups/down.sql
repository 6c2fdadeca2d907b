drop function roll_up();
drop function message_tallies(timestamptz, boolean);
drop function run_tallies(timestamptz, boolean);
drop index job_executions_completed_at;
drop table rollup_progress;
drop table message_rollups;
drop table run_rollups;
drop function duration_bucket(double precision);
