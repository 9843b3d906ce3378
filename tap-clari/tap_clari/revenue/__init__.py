"""The Revenue API of Clari: forecasts, activities, opportunities, audit events, export jobs."""
