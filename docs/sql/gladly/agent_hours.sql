-- How many hours was each agent at work, on which day, and doing what?
--
-- The types are Gladly's (`Logged In` contains `Away` and others: compare them, and do not add them up).
-- Days are those of the organization's time zone. A duration counts for the day on which it began; one
-- that goes on has no minutes yet.
CREATE OR REPLACE VIEW gladly_agent_hours AS
SELECT durations.agent_id,
       coalesce(agents.name, durations.agent) AS agent,
       (durations.start_time AT TIME ZONE organization.timezone)::date AS day,
       durations.type,
       sum(durations.duration_mins) / 60 AS hours
FROM tap_gladly.report_agent_durations_v2 AS durations
CROSS JOIN tap_gladly.organization
LEFT JOIN tap_gladly.agents ON agents.id = durations.agent_id
GROUP BY 1, 2, 3, 4;
