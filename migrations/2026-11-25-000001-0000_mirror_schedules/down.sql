alter table schedules drop column mirrored_at, drop column fires_from;
