"""Singer tap for Clari."""
