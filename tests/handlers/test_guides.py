"""What the guide says can be said is understood as a command, and the settings it names exist."""

import re
from pathlib import Path

import pytest

from bot.config_docs import markdown
from crm_core.access import Role
from crm_core.accounts import find_account
from crm_core.ports import Core
from handlers import speaking
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.handlers.conftest import staff

GUIDE = (Path(__file__).parents[2] / "docs" / "leads.md").read_text(encoding="utf-8")
SENTENCES = [said for said in re.findall(r"「([^」]+)」", GUIDE) if said]


@pytest.mark.parametrize("said", SENTENCES)
async def test_a_quoted_sentence_is_understood(core: Core, pipeline: Pipeline, said: str) -> None:
    speaker = await staff(core, pipeline, "小张", Role.ADMIN)
    account = await core.db.read(find_account(speaker.address))
    assert account
    message = speaker.message(said)
    understood = await Router(all_commands()).understand(
        core, message, await core.db.read(speaking.look(core, message, account))
    )
    assert understood.intent in all_commands()
    assert understood.intent != "unknown"


@pytest.mark.parametrize("section", sorted(set(re.findall(r"`\[+([a-z_]+)(?:\.[A-Za-z]+)?\]", GUIDE))))
def test_a_named_section_is_one_of_the_settings(section: str) -> None:
    assert f"[{section}" in markdown()
