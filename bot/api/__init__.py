"""The REST API, one file a resource family."""
