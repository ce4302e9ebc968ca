"""Taking the steps of the schema without copying every table's class at each of them.

Tortoise renders all classes anew for the state before each operation, and makes each ready for queries: seconds of CPU for a
fresh database. A step of ours looks at the state before it in one way alone: which columns a table had.
"""

from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from typing import Any

from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps

MIGRATIONS = "crm_core.migrations"
"""The package of the steps, one file each."""


class _Classes(StateApps):
    """The classes of a state; no step queries them."""

    def __init__(self, other: StateApps) -> None:
        """Take the classes of another state as they are: what is changed later is rendered anew."""
        super().__init__(other._default_connections, other._connections)
        self.apps = {label: dict(models) for label, models in other.apps.items()}

    def _build_initial_querysets(self) -> None: ...


class _State(State):
    """A state whose copy shares the classes and the columns."""

    def clone(self) -> "_State":
        """Copy what a step may change."""
        models = {
            key: replace(model, options=dict(model.options), fields=dict(model.fields)) for key, model in self.models.items()
        }
        return _State(models, _Classes(self.apps))


class Steps(MigrationExecutor):
    """Tortoise's executor over such states."""

    async def missing(self) -> list[str]:
        """Name the steps this database has not taken yet."""
        return [step.migration.name for step in await self.plan() if not step.backward]

    async def prepare(self) -> None:
        """Make the table of the steps taken: without it Tortoise finds out by an error, which would undo a transaction."""
        await self.recorder.ensure_schema(self._schema_editor(atomic=False))

    async def _project_state(self, applied: Iterable[Any], **more: Any) -> State:
        made = await super()._project_state(set(applied), **more)
        return _State(made.models, _Classes(made.apps))


def triggers_of(steps: Iterable[str]) -> dict[str, str]:
    """Tell the triggers of an embedded database that took these steps of ours: the SQL by name, as the file keeps it.

    A step that makes, replaces or drops some says so in `TRIGGERS`; the text of one that is dropped is empty.
    """
    found: dict[str, str] = {}
    for step in sorted(steps):
        found |= getattr(import_module(f"{MIGRATIONS}.{step}"), "TRIGGERS", {})
    return {name: text for name, text in found.items() if text}
