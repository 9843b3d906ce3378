"""What writes files of the repository."""
