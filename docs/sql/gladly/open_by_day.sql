-- How many conversations were open at the end of each day?
--
-- Days are those of the organization's time zone. A conversation that was begun before the first row of
-- the report counts from its first event on. One that was merged away or deleted is open no more; if no
-- event of the deletion was read, since Gladly keeps them for a day, it is so from the run that found it.
CREATE OR REPLACE VIEW gladly_open_by_day AS
WITH zone AS (
    SELECT timezone AS name FROM tap_gladly.organization
), told AS (
    SELECT conversation_id, timestamp AS at, event_type <> 'CONVERSATION/CLOSED' AS is_open
    FROM tap_gladly.report_conversation_timestamps
    WHERE event_type IN
        ('CONVERSATION/CREATED', 'CONVERSATION/REOPENED', 'CONVERSATION/CLOSED')
    UNION ALL
    SELECT merged_conversation_id, timestamp, false
    FROM tap_gladly.report_conversation_timestamps
    WHERE merged_conversation_id IS NOT NULL
    UNION ALL
    SELECT id, coalesce(customers.deleted_at, conversations._sdc_deleted_at), false
    FROM tap_gladly.conversations
    LEFT JOIN gladly_customers AS customers
        ON customers.customer_id = conversations."customerId"
    WHERE coalesce(customers.deleted_at, conversations._sdc_deleted_at) IS NOT NULL
), spans AS (
    SELECT conversation_id, is_open, at,
           lead(at, 1, 'infinity') OVER (PARTITION BY conversation_id ORDER BY at) AS until
    FROM told
), days AS (
    SELECT day::date AS day, (day + interval '1 day') AT TIME ZONE zone.name AS ends
    FROM zone,
         generate_series(
             (SELECT date_trunc('day', min(at) AT TIME ZONE zone.name) FROM told),
             date_trunc('day', now() AT TIME ZONE zone.name),
             interval '1 day'
         ) AS day
)
SELECT days.day, count(spans.conversation_id) AS open_conversations
FROM days
LEFT JOIN spans ON spans.is_open AND spans.at < days.ends AND spans.until >= days.ends
GROUP BY 1;
