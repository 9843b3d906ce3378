"""Singer tap for Gladly: reference data, export files, events and reports."""
