-- How soon was each conversation answered first, and how long did it take to close?
--
-- The first answer is an agent's first message after the customer's first one. `closed_at` is the last
-- close, of a conversation that is closed now; its first close is in report_conversation_export
-- (`created_to_first_closed_time`, in seconds). Needs the view gladly_messages.
CREATE OR REPLACE VIEW gladly_response_times AS
WITH asked AS (
    SELECT conversation_id, min(sent_at) AS at
    FROM gladly_messages
    WHERE direction = 'INBOUND'
    GROUP BY 1
), answered AS (
    SELECT messages.conversation_id, min(messages.sent_at) AS at
    FROM gladly_messages AS messages
    JOIN asked USING (conversation_id)
    WHERE messages.initiator_type = 'AGENT' AND messages.sent_at > asked.at
    GROUP BY 1
)
SELECT conversations.id AS conversation_id,
       inboxes.name AS inbox,
       agents.name AS agent,
       conversations."createdAt" AS created_at,
       asked.at AS asked_at,
       answered.at AS answered_at,
       extract(epoch FROM answered.at - asked.at) AS seconds_to_answer,
       conversations."closedAt" AS closed_at,
       extract(epoch FROM conversations."closedAt" - conversations."createdAt") AS seconds_to_close
FROM tap_gladly.conversations
LEFT JOIN asked ON asked.conversation_id = conversations.id
LEFT JOIN answered ON answered.conversation_id = conversations.id
LEFT JOIN tap_gladly.inboxes ON inboxes.id = conversations."inboxId"
LEFT JOIN tap_gladly.agents ON agents.id = conversations."agentId"
LEFT JOIN gladly_customers AS customers ON customers.customer_id = conversations."customerId"
WHERE conversations._sdc_deleted_at IS NULL AND customers.deleted_at IS NULL;
