-- Which share of the contacts was handled within the service level agreement, by inbox and channel?
--
-- A contact on which several agents worked has a row for each, and counts once. Contacts that Gladly's
-- AI resolved alone are not there.
CREATE OR REPLACE VIEW gladly_sla AS
WITH contacts AS (
    SELECT DISTINCT ON (contact_session_id) contact_session_id, inbox_id, channel, within_sla
    FROM tap_gladly.report_work_session_events
    WHERE within_sla IS NOT NULL
    ORDER BY contact_session_id, agent_id
)
SELECT inboxes.name AS inbox,
       contacts.channel,
       count(*) AS contacts,
       count(*) FILTER (WHERE contacts.within_sla) AS within_sla,
       avg(contacts.within_sla::int) AS share
FROM contacts
LEFT JOIN tap_gladly.inboxes ON inboxes.id = contacts.inbox_id
GROUP BY 1, 2;
