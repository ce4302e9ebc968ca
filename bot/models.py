"""The modules that hold tables, lowest first; for opening the database and for migrations."""

from importlib import import_module

from crm_core.db import Entity

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
    "crm_core.followers",
    "crm_core.tracking_codes",
    "crm_core.notice_rights",
    "crm_core.allowances",
    "crm_core.contact_follows",
    "crm_core.contact_ways",
    "crm_core.tokens",
    "crm_core.backups",
    "crm_core.change_sets",
    "scheduler.queue",
    "scheduler.reminders",
    "campaigns.templates",
    "campaigns.broadcasts",
    "campaigns.mass",
    "campaigns.platform_results",
    "campaigns.group_sends",
    "campaigns.greetings",
)

TORTOISE = {
    "connections": {"default": "sqlite://:memory:"},
    "apps": {"models": {"models": list(MODEL_MODULES), "default_connection": "default", "migrations": "crm_core.migrations"}},
    "use_tz": True,
    "timezone": "UTC",
}
"""For `tortoise makemigrations` alone; the product opens its database through `crm_core/db.py`."""


def all_models() -> list[type[Entity]]:
    """Load every table's class; the ORM need not be open."""
    found = {
        value
        for name in MODEL_MODULES
        for value in vars(import_module(name)).values()
        if isinstance(value, type) and issubclass(value, Entity) and value is not Entity and value.__module__ == name
    }
    return sorted(found, key=lambda model: str(model._meta.db_table))
