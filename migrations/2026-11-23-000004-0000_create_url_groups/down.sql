drop table url_groups;
