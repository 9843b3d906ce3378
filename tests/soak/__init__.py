"""Many runs that are killed while the account changes, and what is in the tables in the end."""
