drop function sample_queue();
drop function measure_queue();
drop table queue_samples;
