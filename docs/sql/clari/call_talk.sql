-- Who spoke in each call, how many turns, for how long, and which share of all that was said?
--
-- `call_turns` has to be selected. The metrics of a call are the call's, and not a rep's: the ratio of
-- a rep is made of the rep's own turns. A null of an email is a speaker whom the call does not name.
CREATE OR REPLACE VIEW clari_call_talk AS
SELECT turns.call_id,
       calls.title,
       turns."personId" AS person_id,
       turns.side,
       turns.email,
       coalesce(min(turns.name), min(users.name)) AS speaker,
       count(*) AS turns,
       sum(turns."end" - turns.start) AS seconds,
       sum(turns."end" - turns.start)
           / nullif(sum(sum(turns."end" - turns.start)) OVER (PARTITION BY turns.call_id), 0) AS share
FROM tap_clari.call_turns AS turns
JOIN tap_clari.call_details AS calls ON calls.id = turns.call_id
LEFT JOIN tap_clari.users ON users.id = turns."userId"
GROUP BY 1, 2, 3, 4, 5;
