"""Singer tap for Gladly: its place in the workspace, no streams yet."""
