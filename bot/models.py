"""The modules that hold tables, lowest first; for opening the database and for migrations."""

MODEL_MODULES = (
    "crm_core.identity",
    "crm_core.audit",
    "crm_core.state",
    "crm_core.accounts",
    "crm_core.employees",
    "crm_core.conversations",
    "crm_core.customers",
    "crm_core.leads",
    "crm_core.activities",
    "crm_core.segments",
    "crm_core.tokens",
    "scheduler.queue",
    "scheduler.reminders",
    "campaigns.templates",
    "campaigns.broadcasts",
    "campaigns.greetings",
)

TORTOISE = {
    "connections": {"default": "sqlite://:memory:"},
    "apps": {"models": {"models": list(MODEL_MODULES), "default_connection": "default", "migrations": "crm_core.migrations"}},
    "use_tz": True,
    "timezone": "UTC",
}
"""For `tortoise makemigrations` alone; the product opens its database through `crm_core/db.py`."""
