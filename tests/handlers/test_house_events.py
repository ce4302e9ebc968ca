"""Events of the house itself."""

from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.messages import Address, Kind
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from tests.handlers.conftest import Staff, staff


async def test_admins_hear_who_left_and_is_still_bound_once(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    await staff(core, pipeline, "老板", Role.ADMIN)
    platform = Staff(core, pipeline, Address("dingtalk", "sys"))
    left = {"user_ids": ["staff-小王", "nobody"]}
    message = platform.message("", kind=Kind.EVENT, event="user_leave_org", data=left)
    for _ in range(2):
        await platform.sends(message)
    for event, data in (("user_leave_org", {}), ("user_leave_org", {"user_ids": "x"}), ("user_add_org", left)):
        await platform.sends(platform.message("", kind=Kind.EVENT, event=event, data=data))
    (row,) = await Message.filter(direction="out")
    assert row.external_account == "staff-老板"
    assert f"小王已离开组织，账号仍绑定着。若已离职，请运行 guanxi employee depart {chat.employee.id}" in row.text
    assert await Message.filter(direction="in", status="done").count() == 4
