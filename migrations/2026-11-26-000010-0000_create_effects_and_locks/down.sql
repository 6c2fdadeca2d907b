alter table job_executions drop column correlation_id;
drop table locks;
drop table effects;
