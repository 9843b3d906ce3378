"""`make demo`: a made-up Clari account, taken into a real PostgreSQL by Meltano."""
