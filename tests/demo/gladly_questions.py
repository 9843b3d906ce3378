"""What somebody who leads customer service would ask, in SQL, of Gladly's tables."""

from __future__ import annotations

import typing as t

from rich.markup import escape
from rich.table import Table

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

_INBOXES = """
    SELECT inbox_name_current, count(*),
           count(*) FILTER (WHERE status = 'CLOSED')::numeric / count(*),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY created_to_first_closed_time)
             * interval '1 second',
           count(*) FILTER (WHERE status = 'OPEN' AND created_at < now() - interval '7 days')
    FROM tap_gladly.report_conversation_export
    GROUP BY 1
    ORDER BY 2 DESC, 1
"""

_MESSAGES = """
    WITH messages AS (
      SELECT items.timestamp::date AS day, customers.id, customers.name,
             CASE WHEN items.content ->> 'type' = 'EMAIL' THEN 'mail'
                  WHEN items.content ->> 'type' = 'CHAT_MESSAGE' THEN 'chat'
                  WHEN items.content ->> 'type' IN ('PHONE_CALL', 'VOICEMAIL', 'VOICE_AI_MESSAGE')
                  THEN 'phone'
                  WHEN items.content ->> 'type' IN ('SMS', 'WHATSAPP', 'FACEBOOK_MESSAGE',
                                                    'INSTAGRAM_DIRECT', 'TWITTER')
                  THEN 'text'
             END AS channel
      FROM tap_gladly.export_conversation_items AS items
      JOIN tap_gladly.export_customers AS customers ON customers.id = items."customerId"
    )
    SELECT day, count(*) FILTER (WHERE channel = 'mail'), count(*) FILTER (WHERE channel = 'chat'),
           count(*) FILTER (WHERE channel = 'phone'), count(*) FILTER (WHERE channel = 'text'),
           count(DISTINCT id), mode() WITHIN GROUP (ORDER BY name)
    FROM messages
    WHERE channel IS NOT NULL
    GROUP BY day
    ORDER BY day DESC
    LIMIT 5
"""

_LIVELIEST = """
    SELECT conversations.id, customers.name, conversations.status, inboxes.name, agents.name,
           (SELECT string_agg(topics.name, ', ' ORDER BY topics.name) FROM tap_gladly.topics
            WHERE topics.id = ANY (conversations."topicIds")),
           count(*)
    FROM tap_gladly.conversations
    JOIN tap_gladly.conversation_items AS items ON items."conversationId" = conversations.id
    LEFT JOIN tap_gladly.customer_profiles AS customers
           ON customers.id = conversations."customerId"
    LEFT JOIN tap_gladly.inboxes ON inboxes.id = conversations."inboxId"
    LEFT JOIN tap_gladly.agents ON agents.id = conversations."agentId"
    WHERE conversations._sdc_deleted_at IS NULL
    GROUP BY conversations.id, customers.name, inboxes.name, agents.name
    ORDER BY count(*) DESC, max(items.timestamp) DESC
    LIMIT 1
"""

_TIMELINE = """
    SELECT items.timestamp, coalesce(agents.name, customers.name, items.initiator ->> 'type', ''),
           CASE items.content ->> 'type'
             WHEN 'CHAT_MESSAGE' THEN 'chat' WHEN 'EMAIL' THEN 'mail'
             WHEN 'PHONE_CALL' THEN 'call' WHEN 'CONVERSATION_NOTE' THEN 'note'
             WHEN 'TOPIC_CHANGE' THEN 'topic' WHEN 'CONVERSATION_STATUS_CHANGE' THEN 'status'
             ELSE items.content ->> 'type'
           END,
           coalesce(
             items.content ->> 'content', items.content ->> 'body',
             items.content #>> '{recordingSummary,summary}', items.content ->> 'status',
             (SELECT '+ ' || string_agg(topics.name, ', ') FROM tap_gladly.topics
              WHERE items.content -> 'addedTopicIds' ? topics.id),
             ''
           )
    FROM tap_gladly.conversation_items AS items
    LEFT JOIN tap_gladly.agents ON agents.id = items.initiator ->> 'id'
    LEFT JOIN tap_gladly.customer_profiles AS customers
           ON customers.id = items.initiator ->> 'id'
    WHERE items."conversationId" = %s
    ORDER BY items.timestamp
"""


def gladly_answers(connection: Connection) -> list[Table]:
    """Ask, and lay out what comes back: counts, names, and one conversation from end to end."""
    return [_inboxes(connection), _messages(connection), *_timeline(connection)]


def _inboxes(connection: Connection) -> Table:
    table = Table(title="Conversations of each inbox: how many are closed, and how soon?")
    table.add_column("inbox", no_wrap=True)
    for column in ("conversations", "closed", "median time to close", "open for a week"):
        table.add_column(column, justify="right")
    for name, count, closed, median, waiting in connection.execute(_INBOXES):
        minutes = round(median.total_seconds() / 60) if median is not None else 0
        took = f"{minutes // 60} h {minutes % 60:02} min"
        table.add_row(name, str(count), f"{closed:.0%}", took, str(waiting))
    return table


def _timeline(connection: Connection) -> Iterator[Table]:
    found = connection.execute(_LIVELIEST).fetchone()
    if not found:
        return
    conversation, customer, status, inbox, agent, topics, _ = found
    table = Table(
        title=f"The conversation in which most happened: {customer}, {status}, in the inbox "
        f"{inbox}, with {agent or 'nobody'}, about {topics or 'nothing yet'}"
    )
    for column in ("time", "who", "what"):
        table.add_column(column, no_wrap=True)
    table.add_column("text")
    for at, who, what, text in connection.execute(_TIMELINE, [conversation]):
        table.add_row(f"{at:%d %b %H:%M:%S}", who, what, escape(text[:60]))
    yield table


def _messages(connection: Connection) -> Table:
    table = Table(title="Messages per day and channel, and with whom most")
    table.add_column("day", no_wrap=True)
    for column in ("mail", "chat", "phone", "text", "customers"):
        table.add_column(column, justify="right")
    table.add_column("most with", no_wrap=True)
    for day, *counts, name in connection.execute(_MESSAGES):
        table.add_row(f"{day:%d %b}", *map(str, counts), name)
    return table
