"""Which conversations, customers and tasks changed, and when: what the by-id streams go by."""
