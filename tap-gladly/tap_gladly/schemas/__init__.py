"""JSON Schemas, one a stream."""
