"""Tokens: a name is given once."""

import pytest

from crm_core import tokens
from crm_core.access import Role
from crm_core.ports import Core
from crm_core.tokens import TokenNameTaken
from tests.factories import SYSTEM


async def test_a_name_is_never_given_again_so_that_the_trail_stays_clear(core: Core) -> None:
    token = await tokens.create(core, SYSTEM, name="报表", role=Role.VIEWER)
    with pytest.raises(TokenNameTaken):
        await tokens.create(core, SYSTEM, name="报表", role=Role.VIEWER)
    await tokens.revoke(core, SYSTEM, "报表")
    assert await tokens.actor_of_token(token) is None
    with pytest.raises(TokenNameTaken) as refused:
        await tokens.create(core, SYSTEM, name="报表", role=Role.ADMIN)
    assert refused.value.sentence() == "已有名为「报表」的令牌（吊销的也算），请换个名字"
