-- How near was the commit of each week to what was closed in the end, for each user?
--
-- Closed in the end is what the last week of the quarter says, in the field Closed; of a quarter that
-- is not over, what is closed so far. Managers and reps have rows of their own: never add them up.
CREATE OR REPLACE VIEW clari_commit_accuracy AS
WITH week AS (
    SELECT entries."forecastId" AS forecast_id,
           entries."timePeriodId" AS period,
           entries."userId" AS user_id,
           frames."startDate"::date AS week_of,
           sum(entries."forecastValue") FILTER (WHERE fields."fieldName" = 'Commit') AS committed,
           sum(entries."crmClosed") FILTER (WHERE fields."fieldName" = 'Closed') AS closed
    FROM tap_clari.forecast_entries AS entries
    JOIN tap_clari.forecast_fields AS fields USING ("forecastId", "fieldId")
    JOIN tap_clari.forecast_time_frames AS frames
         USING ("forecastId", "timePeriodId", "timeFrameId")
    GROUP BY 1, 2, 3, 4
), result AS (
    SELECT *, last_value(closed) OVER (
               PARTITION BY forecast_id, period, user_id ORDER BY week_of
               ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
           ) AS closed_in_the_end
    FROM week
)
SELECT forecast_id, period, week_of, user_id, users.name, committed, closed_in_the_end,
       committed / nullif(closed_in_the_end, 0) AS committed_of_closed
FROM result
JOIN tap_clari.forecast_users AS users
  ON users."forecastId" = result.forecast_id AND users."userId" = result.user_id;
