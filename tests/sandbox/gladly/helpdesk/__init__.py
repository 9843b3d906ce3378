"""What is read by id: customers, conversations, items and tasks, and what happens to them.

Use::

    item_id = gladly.desk.message(conversation_id)  # an event, a row of a report, and a log entry
    assert gladly.desk.items[item_id]  # what a GET answers now
"""

from __future__ import annotations

from tests.sandbox.gladly.helpdesk.merges import Endings
from tests.sandbox.gladly.helpdesk.state import Change

__all__ = ["Change", "Desk"]


class Desk(Endings):
    """The truth of what is read by id, to look at and to change while the server answers.

    The records are as they are served. A record that is moved to another conversation, customer
    or task is to be put into its table again, since tables find records by these ids.

    What an action tells is told at its very instant: its events, its rows and its entries of the
    log have the same one. The times within records have fewer digits at times.

    Attributes:
        customers: Profiles by id, without those that were merged away or deleted.
        conversations: Conversations by id.
        items: Items by id.
        tasks: Tasks by id.
        comments: Comments of tasks by id.
        custom_attributes: Definitions of freeform topics by id.
        transcripts: Transcripts by the id of their item.
        merged: The id of the customer that another was merged into, by the id of the latter.
        deleted: When customers were deleted, in nanoseconds since 1970, by id.
        unsupported: Ids of items whose type the API does not support.
        caps: How many records each list has at most.
        capped_keeps: Which records a list keeps that has more.
        merged_lists: What the lists of a merged customer are: moved (301), missing, or empty.
        merges_point_to: Whether a customer that was merged twice leads to the next or the last.
        location: The Location header of a 301; None for none, as the vendor documents it.
        log: What changed, in the order of the actions.
    """
