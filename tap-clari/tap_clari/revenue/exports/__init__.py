"""Export jobs (the vendor's document, "Bulk Export Framework"): started, awaited and read once."""
