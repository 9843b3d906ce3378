-- How many hours was each agent at work, on which day, and doing what?
--
-- The types are Gladly's (`Logged In` contains `Away` and others: compare them, and do not add them up).
-- Days are those of the organization's time zone. A duration counts for the day on which it began; one
-- that goes on has no minutes yet. The rows have no id: one that the report does not have any more stays in
-- the table. It is left out if a later window, which has its time, was read without it; a day is allowed
-- for, since windows are days of the organization.
CREATE OR REPLACE VIEW gladly_agent_hours AS
WITH windows AS (
    SELECT DISTINCT window_start, window_end FROM tap_gladly.report_agent_durations_v2
)
SELECT durations.agent_id,
       coalesce(agents.name, durations.agent) AS agent,
       (durations.start_time AT TIME ZONE organization.timezone)::date AS day,
       durations.type,
       sum(durations.duration_mins) / 60 AS hours
FROM tap_gladly.report_agent_durations_v2 AS durations
CROSS JOIN tap_gladly.organization
LEFT JOIN tap_gladly.agents ON agents.id = durations.agent_id
WHERE NOT EXISTS (
    SELECT FROM windows
    WHERE windows.window_end > durations.window_end
      AND durations.start_time >= windows.window_start + interval '1 day'
      AND durations.start_time < windows.window_end - interval '1 day'
)
GROUP BY 1, 2, 3, 4;
