"""Singer tap for Gladly: conversations, customers, tasks, events, exports and reports."""
