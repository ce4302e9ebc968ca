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
    "crm_core.collaborators",
    "crm_core.customers",
    "crm_core.custom_fields",
    "crm_core.purchases",
    "crm_core.life_cycles",
    "crm_core.customer_values",
    "crm_core.service_figures",
    "crm_core.opportunities",
    "crm_core.sales_targets",
    "crm_core.forecasts",
    "crm_core.repeat_purchases",
    "crm_core.leads",
    "crm_core.assignment_profiles",
    "crm_core.assignment_tables",
    "crm_core.pool_claims",
    "crm_core.sales_scripts",
    "crm_core.score_facts",
    "crm_core.score_runs",
    "crm_core.rule_book",
    "crm_core.overwriting",
    "crm_core.cleaning",
    "crm_core.field_visits",
    "crm_core.activities",
    "crm_core.work_reports",
    "crm_core.documents",
    "crm_core.knowledge",
    "crm_core.mails",
    "crm_core.segments",
    "crm_core.rule_tagging",
    "crm_core.followers",
    "crm_core.tracking_codes",
    "crm_core.notice_rights",
    "crm_core.allowances",
    "crm_core.contact_follows",
    "crm_core.contact_ways",
    "crm_core.tokens",
    "crm_core.backups",
    "crm_core.change_sets",
    "crm_core.importing.imports",
    "crm_core.quarantine",
    "scheduler.queue",
    "scheduler.reminders",
    "scheduler.announcements",
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
