"""The pipelines as users run them: Meltano, a real PostgreSQL, real HTTP."""
