"""The rights of every chat command, made from the declarations: each role, a stranger, and somebody who left."""

import pytest

from bot.models import all_models
from crm_core import employees
from crm_core.access import Role
from crm_core.accounts import find_account
from crm_core.audit import AuditEntry
from crm_core.errors import Refused
from crm_core.messages import Address
from crm_core.ports import Core
from handlers import speaking
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Command, Router
from handlers.understanding.intents import INTENTS
from tests.factories import SYSTEM
from tests.handlers.conftest import Talker, staff

COMMANDS = all_commands()
NOT_KNOWN = "还不认识这个账号"


def sentence_for(command: Command) -> str:
    declared = INTENTS.get(command.intent)
    return command.usage or (declared.example if declared else "") or command.intent


@pytest.mark.parametrize("intent", sorted(COMMANDS))
@pytest.mark.parametrize("role", list(Role))
async def test_role_may_use_just_what_is_declared(core: Core, pipeline: Pipeline, intent: str, role: Role) -> None:
    command = COMMANDS[intent]
    speaker = await staff(core, pipeline, "某人", role)
    answer = await speaker.says(sentence_for(command))
    assert "系统开小差" not in answer
    assert (answer == Refused().sentence()) == (role not in command.roles)
    assert await AuditEntry.filter(action="chat.refused").count() == (role not in command.roles)


@pytest.mark.parametrize("intent", sorted(intent for intent, command in COMMANDS.items() if command.reads))
async def test_a_command_that_reads_changes_nothing_and_never_asks(core: Core, pipeline: Pipeline, intent: str) -> None:
    command = COMMANDS[intent]
    declared = INTENTS.get(intent)
    assert command.undo is None
    assert declared is None or not declared.required
    speaker = await staff(core, pipeline, "某人", Role.ADMIN)
    before = await rows_of_the_business()
    assert "系统开小差" not in await speaker.says(sentence_for(command))
    assert await rows_of_the_business() == before


async def rows_of_the_business() -> dict[str, int]:
    """Count the rows of every table but those of talking itself."""
    talking = {"messages", "accounts", "state_entries"}
    return {str(one._meta.db_table): await one.all().count() for one in all_models() if one._meta.db_table not in talking}


@pytest.mark.parametrize("intent", sorted(COMMANDS))
async def test_stranger_reaches_only_what_is_open(core: Core, pipeline: Pipeline, intent: str) -> None:
    stranger = Talker(core, pipeline, Address("dingtalk", "nobody"))
    answer = await stranger.says(sentence_for(COMMANDS[intent]))
    assert (NOT_KNOWN in answer) != COMMANDS[intent].open_to_strangers


async def test_who_has_left_is_a_stranger_at_once(core: Core, pipeline: Pipeline) -> None:
    speaker = await staff(core, pipeline, "小王")
    assert NOT_KNOWN not in await speaker.says("公海")
    await employees.depart(core, SYSTEM, speaker.employee.id)
    assert NOT_KNOWN in await speaker.says("公海")


async def test_help_names_only_what_the_role_may(core: Core, pipeline: Pipeline) -> None:
    for role in Role:
        shown = await (await staff(core, pipeline, f"某{role}", role)).says("帮助")
        for command in COMMANDS.values():
            if command.usage and f"：{command.usage}" in shown:
                assert role in command.roles


@pytest.mark.parametrize("intent", sorted(COMMANDS))
async def test_every_example_in_the_help_is_understood_as_what_it_shows(core: Core, pipeline: Pipeline, intent: str) -> None:
    command = COMMANDS[intent]
    if not command.usage:
        return
    speaker = await staff(core, pipeline, "小王", Role.ADMIN)
    row = await employees.Employee.get(id=speaker.employee.id)
    assert row
    account = await core.db.read(find_account(speaker.address))
    assert account
    message = speaker.message(command.usage)
    who = await core.db.read(speaking.look(core, message, account))
    understood = await Router(COMMANDS).understand(core, message, who)
    assert understood.intent == intent
