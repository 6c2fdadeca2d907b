drop function claim_blocked(text[], uuid, double precision, integer, integer, bigint);
