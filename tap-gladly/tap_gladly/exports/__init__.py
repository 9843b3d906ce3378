"""Export jobs: which there are, and which of them were read."""
