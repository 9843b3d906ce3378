"""The API of Clari Copilot: recorded calls and what belongs to them."""
