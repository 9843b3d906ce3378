-- How long were contacts handled, by topic and agent?
--
-- A work session is one agent's part of one contact; only contacts that have ended are there. The topics
-- are those of the conversation as it is now: one with two topics counts for both, so never add up over
-- topics.
CREATE OR REPLACE VIEW gladly_handle_time AS
SELECT topics.name AS topic,
       agents.name AS agent,
       sessions.agent_id,
       count(*) AS sessions,
       sum(sessions.work_session_handle_time_sec) AS seconds,
       avg(sessions.work_session_handle_time_sec) AS average_seconds
FROM tap_gladly.report_work_session_events AS sessions
LEFT JOIN tap_gladly.agents ON agents.id = sessions.agent_id
LEFT JOIN tap_gladly.conversations ON conversations.id = sessions.conversation_id
LEFT JOIN LATERAL unnest(conversations."topicIds") AS of_conversation (topic_id) ON true
LEFT JOIN tap_gladly.topics ON topics.id = of_conversation.topic_id
WHERE sessions.agent_id <> 'none'
GROUP BY 1, 2, 3;
