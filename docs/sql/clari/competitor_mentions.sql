-- Which competitors come up in calls, in which tone, and who brings them up: we or the customer?
--
-- `personId` is a text in competitor_sentiments, and a number in all other lists of a call.
CREATE OR REPLACE VIEW clari_competitor_mentions AS
SELECT mention ->> 'competitor_name' AS competitor,
       mention ->> 'sentiment' AS sentiment,
       CASE WHEN EXISTS (
           SELECT FROM unnest(calls.users) AS person
           WHERE person ->> 'personId' = mention ->> 'personId'
       ) THEN 'internal' ELSE 'external' END AS side,
       count(*) AS mentions,
       count(DISTINCT calls.id) AS calls
FROM tap_clari.call_details AS calls
CROSS JOIN unnest(calls.competitor_sentiments) AS mention
GROUP BY 1, 2, 3;
