"""From which address a colleague writes, in words."""

from dataclasses import replace

from crm_core.mails import MailAddress
from crm_core.ports import Core
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.handlers.conftest import Staff, staff


async def test_an_address_is_said_and_taken_back(core: Core, chat: Staff) -> None:
    assert "管理员还没有开启" in await chat.says("我的邮箱")
    assert "已登记邮箱 wang@example.cn" in await chat.says("我的邮箱 Wang@Example.cn")
    assert (await MailAddress.get()).employee_id == chat.employee.id
    assert "登记的邮箱：wang@example.cn" in await chat.says("我的邮箱")
    assert "邮箱格式不对" in await chat.says("我的邮箱 wang")
    await chat.says("我的邮箱 w2@example.cn")
    assert await chat.says("撤销") == "已撤销：邮箱已删除"
    assert await MailAddress.all().count() == 1


async def test_an_address_belongs_to_one_colleague(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    await chat.says("我的邮箱 wang@example.cn")
    peer = await staff(core, pipeline, "小陈")
    assert await peer.says("我的邮箱 wang@example.cn") == "邮箱 wang@example.cn 已登记给别的同事"


async def test_where_mails_are_taken_the_drop_address_is_told(core: Core) -> None:
    made = replace(core, mail_drop="crm@mail.example.cn")
    chat = await staff(made, Pipeline(made, Router(all_commands())), "小王")
    assert "抄送 crm@mail.example.cn" in await chat.says("我的邮箱 wang@example.cn")
