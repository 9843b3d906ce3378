-- Which share of the conversations that were closed was opened again, by inbox and week?
--
-- The week is that in which a conversation began, by the organization's time zone. The inbox is that of
-- now. A conversation that was merged away, or deleted with its customer, does not count.
CREATE OR REPLACE VIEW gladly_reopen_rate AS
SELECT inboxes.name AS inbox,
       date_trunc('week', told.created_at AT TIME ZONE organization.timezone)::date AS week_of,
       count(*) AS closed_conversations,
       count(*) FILTER (WHERE told.times_reopened > 0) AS reopened,
       avg((told.times_reopened > 0)::int) AS share
FROM tap_gladly.report_conversation_export AS told
CROSS JOIN tap_gladly.organization
LEFT JOIN tap_gladly.inboxes ON inboxes.id = told.inbox_id_current
LEFT JOIN gladly_customers AS customers ON customers.customer_id = told.customer_id
WHERE told.times_closed > 0 AND told.status <> 'MERGED' AND customers.deleted_at IS NULL
GROUP BY 1, 2;
