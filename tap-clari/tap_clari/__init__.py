"""Singer tap for Clari, on the Meltano Singer SDK."""
