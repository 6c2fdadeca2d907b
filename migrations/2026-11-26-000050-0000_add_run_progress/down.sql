alter table job_executions drop column progress;
