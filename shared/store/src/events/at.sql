with moment as (select timestamptz 'epoch' + $at_us * interval '1 microsecond' as at, $step as step)
select m.id from moment, messages m where step in (0, 4) and m.created_at = moment.at
union all
select a.message_id from moment, attempts a where step = 1 and a.started_at = moment.at
union all
select p.id from moment, pending_deliveries p where step = 1 and p.leased_at = moment.at
union all
select a.message_id from moment, attempts a where step in (2, 3) and a.ended_at = moment.at
union all
select a.message_id from moment, attempts a
where step = 3 and a.outcome = 'cancelled' and a.ended_at = moment.at - interval '1 millisecond'
