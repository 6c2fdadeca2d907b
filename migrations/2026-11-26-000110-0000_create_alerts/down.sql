drop table alerts;
drop type alert_severity;
