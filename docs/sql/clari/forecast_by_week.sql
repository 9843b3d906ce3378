-- What has each team committed to, week by week, and how much of its quota is that?
--
-- A team is a manager right below the top. The row of a manager contains those of the reps, so that a
-- sum over all users counts the same money several times. A week's id repeats in every quarter: it
-- joins with the quarter and the forecast only. Put the name of your own field in place of Commit.
CREATE OR REPLACE VIEW clari_forecast_by_week AS
SELECT entries."forecastId" AS forecast_id,
       entries."timePeriodId" AS period,
       weeks."startDate"::date AS week_of,
       teams."hierarchyName" AS team,
       sum(entries."forecastValue") FILTER (WHERE fields."fieldName" = 'Commit') AS committed,
       sum(entries."quotaValue") AS quota,
       sum(entries."forecastValue") FILTER (WHERE fields."fieldName" = 'Commit')
           / nullif(sum(entries."quotaValue"), 0) AS share_of_quota
FROM tap_clari.forecast_entries AS entries
JOIN tap_clari.forecast_fields AS fields USING ("forecastId", "fieldId")
JOIN tap_clari.forecast_time_frames AS weeks USING ("forecastId", "timePeriodId", "timeFrameId")
JOIN tap_clari.forecast_users AS teams USING ("forecastId", "userId")
JOIN tap_clari.forecast_users AS top
  ON top."forecastId" = entries."forecastId"
 AND top."hierarchyId" = teams."parentHierarchyId"
 AND top."parentHierarchyId" IS NULL
GROUP BY 1, 2, 3, 4;
