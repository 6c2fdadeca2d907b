drop table email_logs;
drop type email_status;
