drop table job_executions;
drop type job_execution_status;
