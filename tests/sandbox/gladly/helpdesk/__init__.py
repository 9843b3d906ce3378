"""What is read by id: customers, conversations, items and tasks, and what happens to them.

Use::

    item_id = gladly.desk.message(conversation_id)  # an event, a row of a report, and a log entry
    assert gladly.desk.items[item_id]  # what a GET answers now
"""

from __future__ import annotations

from tests.sandbox.gladly.helpdesk import contacts, conversations, merges, tasks
from tests.sandbox.gladly.helpdesk.state import Change, State

__all__ = ["Change", "Desk"]


class Desk(State):
    """The records that are read by id, to look at and to change while the server answers.

    The records are as they are served. A record that is moved to another conversation, customer
    or task is to be put into its table again, since tables find records by these ids.

    Each action takes the time at which it happens (``at``; None for now). It returns the id of
    what it is about, and raises a ``KeyError`` for what is not there. Its events, rows and log
    entries have this very time; the times within records have fewer digits at times.
    """

    customer = conversations.customer
    update_customer = conversations.update_customer
    conversation = conversations.conversation
    add_topic = conversations.add_topic
    remove_topic = conversations.remove_topic
    assign = conversations.assign
    close = conversations.close
    reopen = conversations.reopen
    set_attribute = conversations.set_attribute
    clear_attribute = conversations.clear_attribute

    message = contacts.message
    note = contacts.note
    call = contacts.call
    fill_items = contacts.fill_items
    item = contacts.item
    happen = contacts.happen

    task = tasks.task
    comment = tasks.comment
    assign_task = tasks.assign_task
    edit_task = tasks.edit_task
    move_task = tasks.move_task
    close_task = tasks.close_task
    reopen_task = tasks.reopen_task

    merge = merges.merge
    delete = merges.delete
