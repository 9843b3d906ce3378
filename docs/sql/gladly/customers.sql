-- Who is each customer now, when merges are followed to their end?
--
-- A merged customer's row has the next id in `mergedIntoId`, which may have been merged as well. Exports
-- and reports keep the id of their time: join them by `customer_id`, and count by `current_id`.
CREATE OR REPLACE VIEW gladly_customers AS
WITH RECURSIVE followed AS (
    SELECT id, id AS current_id, 0 AS steps
    FROM tap_gladly.customer_profiles
    UNION ALL
    SELECT followed.id, next."mergedIntoId", followed.steps + 1
    FROM followed
    JOIN tap_gladly.customer_profiles AS next ON next.id = followed.current_id
    WHERE next."mergedIntoId" IS NOT NULL
      -- Were there a ring, it would end here.
      AND followed.steps < 50
), ended AS (
    SELECT DISTINCT ON (id) id, current_id, steps
    FROM followed
    ORDER BY id, steps DESC
)
SELECT ended.id AS customer_id,
       ended.current_id,
       ended.steps > 0 AS was_merged,
       now.name,
       now.emails[1] ->> 'original' AS email,
       now._sdc_deleted_at AS deleted_at
FROM ended
LEFT JOIN tap_gladly.customer_profiles AS now ON now.id = ended.current_id;
