"""`make demo`: a made-up Clari and Gladly, taken into a real PostgreSQL by Meltano."""
