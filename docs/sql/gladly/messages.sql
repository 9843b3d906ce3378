-- Which messages and calls were there, of which customer, in which direction, by which channel?
--
-- Both tables of items are one here: an item that was read with its conversation counts, and else that
-- of the export. Channels have the words of events and reports. Notes, topics and changes of the status
-- are no messages; those of a deleted customer are left out. `initiator_type` tells an agent (AGENT) from a machine (API, AUTOMATION, SYSTEM).
CREATE OR REPLACE VIEW gladly_messages AS
WITH items AS (
    SELECT id, "conversationId", "customerId", timestamp, initiator, content,
           'conversation_items' AS source
    FROM tap_gladly.conversation_items
    UNION ALL
    SELECT id, "conversationId", "customerId", timestamp, initiator, content,
           'export_conversation_items'
    FROM tap_gladly.export_conversation_items AS exported
    WHERE NOT EXISTS (
        SELECT FROM tap_gladly.conversation_items AS read WHERE read.id = exported.id
    )
), channels (type, channel) AS (
    VALUES ('CHAT_MESSAGE', 'CHAT'), ('EMAIL', 'EMAIL'), ('FACEBOOK_MESSAGE', 'FB_MESSENGER'),
           ('INSTAGRAM_DIRECT', 'INSTAGRAM_DIRECT'), ('PHONE_CALL', 'PHONE_CALL'), ('SMS', 'SMS'),
           ('TWITTER', 'TWITTER'), ('VOICEMAIL', 'VOICEMAIL'), ('VOICE_AI_MESSAGE', 'PHONE_CALL'),
           ('WHATSAPP', 'WHATSAPP')
)
SELECT items.id,
       items."conversationId" AS conversation_id,
       coalesce(customers.current_id, items."customerId") AS customer_id,
       channels.channel,
       CASE
           WHEN items.initiator ->> 'type' = 'CUSTOMER' THEN 'INBOUND'
           WHEN items.initiator ->> 'type' IN ('INTERNAL', 'EXTERNAL') THEN 'THIRD PARTY'
           WHEN items.initiator ->> 'type' IS NOT NULL THEN 'OUTBOUND'
       END AS direction,
       items.initiator ->> 'type' AS initiator_type,
       items.initiator ->> 'id' AS initiator_id,
       items.timestamp AS sent_at,
       coalesce(items.content ->> 'content', items.content ->> 'body') AS text,
       items.source
FROM items
JOIN channels ON channels.type = items.content ->> 'type'
LEFT JOIN gladly_customers AS customers ON customers.customer_id = items."customerId"
WHERE customers.deleted_at IS NULL;
