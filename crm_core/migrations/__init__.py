"""Steps of the schema, made by `make migrations` (Tortoise), forward only."""
