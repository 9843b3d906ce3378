-- How many meetings, mails and files did each rep have in each week?
--
-- Activities lie in the future too: meetings to come do not count. The id in the CRM of a user repeats
-- for each forecast, and several users may share one: a join by it alone would count twice.
CREATE OR REPLACE VIEW clari_activities_by_rep AS
WITH owners AS (
    SELECT "crmId" AS crm_id, string_agg(DISTINCT name, ' / ' ORDER BY name) AS rep
    FROM tap_clari.forecast_users
    GROUP BY 1
)
SELECT activities."activityOwnerId" AS owner_id,
       owners.rep,
       date_trunc('week', activities.date)::date AS week_of,
       count(*) FILTER (WHERE "activityType" = 'MEETING') AS meetings,
       count(*) FILTER (WHERE "activityType" LIKE 'EMAIL%') AS mails,
       count(*) FILTER (WHERE "activityType" LIKE 'ATTACHMENT%') AS files
FROM tap_clari.activities
LEFT JOIN owners ON owners.crm_id = activities."activityOwnerId"
WHERE extract(epoch FROM activities.date) <= extract(epoch FROM now())
GROUP BY 1, 2, 3;
