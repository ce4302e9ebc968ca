"""A salesperson's day over the platforms: a place and a picture in WeCom, a voice and a file in DingTalk, a copied mail."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import pytest_asyncio

from bot.simulator.wecom import messages
from crm_core import customers, mails
from crm_core.activities import FollowUp
from crm_core.db import Database
from crm_core.documents import Document
from crm_core.employees import actor_of
from crm_core.field_visits import FieldVisit
from tests.flows.wecom_house import WeComHouse
from tests.house import House
from tests.waiting import until

MAIL = {"mail": {"address": "crm@mail.example.cn", "port": 0}}


@pytest_asyncio.fixture
async def wecom_house(db: Database, tmp_path: Path) -> AsyncIterator[WeComHouse]:
    made = await WeComHouse(db, tmp_path, **MAIL).start()
    yield made  # type: ignore[misc]
    await made.stop()


async def ready() -> list[Document]:
    return await Document.filter(status="ready")


@pytest.mark.timeout(120)
async def test_a_place_and_a_picture_in_wecom(wecom_house: WeComHouse) -> None:
    """Takes some seconds: the server looks for files every other second."""
    house, wecom = wecom_house, wecom_house.simulator.wecom
    seller = await house.member("zhangsan", "张三")
    await customers.add_customer(house.app.core, await actor_of(seller), name="云帆科技")
    assert (await wecom.member_says("zhangsan", "外出登记 今天23点59分 云帆科技")).text.startswith("已登记外出")
    answer = await wecom.member_sends("zhangsan", messages.location(31.2304, 121.4737, "张江路88号"))
    assert "已签到：云帆科技，位置：张江路88号" in answer.text
    visit = await FieldVisit.get()
    assert (visit.position, visit.checked_in_at is not None) == ("31.2304,121.4737", True)
    await wecom.member_says("zhangsan", "看下云帆科技的资料")
    assert "已归到云帆科技名下" in (await wecom.member_sends_image("zhangsan", b"\xff\xd8\xff picture")).text
    row = (await until(ready, within=20))[0]
    assert (row.name.startswith("图片"), row.size_bytes) == (True, 11)


async def test_a_file_in_dingtalk_is_filed_and_fetched(house: House) -> None:
    """Takes some seconds, as above."""
    dingtalk = house.simulator.dingtalk
    seller = await house.employee("小王")
    await customers.add_customer(house.app.core, await actor_of(seller), name="云帆科技")
    await dingtalk.say("staff-小王", "存文件 云帆科技")
    await dingtalk.send_file("staff-小王", "报价.xlsx", b"PK quote")
    row = (await until(ready, within=20))[0]
    assert (row.name, row.subject_kind) == ("报价.xlsx", "customer")
    await dingtalk.say("staff-小王", "文件 云帆科技")
    await dingtalk.say("staff-小王", "取文件 1")
    sent = (await until(lambda: [e for e in dingtalk.received("staff-小王") if e.kind == "sampleFile"], within=20))[0]
    assert sent.body["fileName"] == "报价.xlsx"
    content, _ = dingtalk.state.files[sent.body["mediaId"].removeprefix("@")]
    assert content == b"PK quote"


async def test_a_mail_copied_to_the_drop_address_lands_on_the_timeline(wecom_house: WeComHouse) -> None:
    house = wecom_house
    seller = await house.member("zhangsan", "张三")
    actor, core = await actor_of(seller), house.app.core
    customer = await customers.add_customer(core, actor, name="云帆科技")
    await customers.add_contact(core, actor, name="李娜", customer_id=customer.id, email="li@yunfan.cn")
    await mails.set_address(core, actor, seller.id, "zhang@example.cn")
    assert house.app.mail is not None
    port, message = house.app.mail.port, EmailMessage()
    message["From"], message["To"], message["Cc"] = "zhang@example.cn", "li@yunfan.cn", "crm@mail.example.cn"
    message["Subject"], message["Message-ID"] = "报价单", "<1@example.cn>"
    message.set_content("李总您好")

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("zhang@example.cn", ["crm@mail.example.cn"], message.as_bytes())

    await asyncio.to_thread(send)
    assert (await FollowUp.get()).summary == "报价单\n李总您好"
