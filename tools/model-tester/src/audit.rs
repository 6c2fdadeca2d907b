//! Records for the model in the database: every version of a limit's settings, every start that a rate counted, and the
//! times at which queue slots were acquired.

/// Triggers in addition to sigpost's schema. They use `clock_timestamp()`, because `now()` is the start of the transaction.
pub(crate) const SCHEMA: &str = "
create table model_limits (
    at timestamptz not null, id text not null, parallelism integer, rate integer, period_s integer not null,
    paused boolean not null, deleted boolean not null
);
create table model_counts (at timestamptz not null, id text not null, period_start timestamptz, period_count integer not null);
create function keep_limit() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        insert into model_limits values (clock_timestamp(), old.id, null, null, 1, false, true);
    elsif tg_op = 'INSERT' or (new.parallelism, new.rate, new.period_s, new.paused)
            is distinct from (old.parallelism, old.rate, old.period_s, old.paused)
          or new.period_count < old.period_count and new.period_count = 0 then
        insert into model_limits values (
            clock_timestamp(), new.id, new.parallelism, new.rate, new.period_s, new.paused, false);
    end if;
    if tg_op = 'UPDATE' and (new.period_start, new.period_count) is distinct from (old.period_start, old.period_count) then
        insert into model_counts values (clock_timestamp(), new.id, new.period_start, new.period_count);
    end if;
    return null;
end $$;
create trigger keep_limit after insert or update or delete on gates for each row execute function keep_limit();

create table model_slots (at timestamptz not null, gate text not null, message_id uuid not null, family uuid not null);
create function keep_slot() returns trigger language plpgsql as $$
begin
    insert into model_slots values (clock_timestamp(), new.gate, new.message_id, new.family);
    return null;
end $$;
create trigger keep_slot after insert on slots for each row when (new.gate like 'queue:%') execute function keep_slot();
";
