"""Messages of the house that come together: few statements, the same answers, rights, order and repeats as one by one."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from crm_core import employees
from crm_core.access import Role
from crm_core.accounts import Account, find_account
from crm_core.conversations import Message
from crm_core.messages import PRESS, Address, InboundMessage, Kind
from crm_core.ports import Core, Program
from handlers import replies, speaking
from handlers.commands import all_commands
from handlers.pipeline import Arrived, NobodyWaits, Pipeline, Taken
from handlers.replies import Reply
from handlers.router import ChatContext
from handlers.taking import take_all
from tests.factories import SYSTEM
from tests.handlers.conftest import Staff, Talker, staff

ALONE = pytest.mark.sqlite_only("where several processes serve the database, the work begins after the recording")


async def arrive(core: Core, pipeline: Pipeline, messages: Sequence[InboundMessage], *, passive: bool = True) -> list[Taken]:
    """Take messages that came together."""
    arrived = [Arrived(message, passive) for message in messages]
    return await core.db.run(partial(take_all, core, arrived, pipeline.at_once))


def in_a_group(message: InboundMessage) -> InboundMessage:
    return replace(message, address=replace(message.address, conversation="cidGroup"))


async def answers(core: Core, pipeline: Pipeline, messages: Sequence[InboundMessage]) -> list[str]:
    """Take messages that came together and work on what is left, as the gateway does; gives what each was answered."""
    taken = await arrive(core, pipeline, messages)
    left = [
        pipeline.work(each.recorded.id, message, NobodyWaits(), begun=each.begun)
        for each, message in zip(taken, messages, strict=True)
        if not each.done and each.recorded.new
    ]
    await asyncio.gather(*left)
    rows = [await Message.get_or_none(key=f"reply:{each.recorded.id}") for each in taken]
    return [row.text if row else "" for row in rows]


@ALONE
async def test_help_is_answered_in_the_transaction_that_records_it(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    (taken,) = await arrive(core, pipeline, [chat.message("帮助")])
    assert taken.done
    assert taken.recorded.outcome == "passive"
    row, reply = await Message.get(id=taken.recorded.id), await Message.get(key=f"reply:{taken.recorded.id}")
    account = await Account.get(external_id=chat.address.external_id)
    assert (row.status, row.account_id, reply.status, reply.account_id) == ("done", account.id, "answered", account.id)
    assert taken.recorded.reply
    assert reply.text == taken.recorded.reply.text == await chat.says("帮助")
    assert account.last_inbound_at == core.clock.now()


@ALONE
async def test_without_a_request_to_answer_in_the_reply_is_queued(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    (taken,) = await arrive(core, pipeline, [chat.message("帮助")], passive=False)
    row = await Message.get(key=f"reply:{taken.recorded.id}")
    assert (taken.recorded.outcome, row.status, row.guarantee, row.topic) == ("late", "queued", "at_least_once", "reply")
    assert row.expires_at


async def test_everybody_is_answered_by_their_own_role(core: Core, pipeline: Pipeline) -> None:
    people = [await staff(core, pipeline, f"某{role}", role) for role in Role]
    together = await answers(core, pipeline, [each.message("帮助") for each in people])
    assert together == [await each.says("帮助") for each in people]
    assert len(set(together)) > 1


async def test_strangers_and_who_has_left_are_told_to_bind(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    stranger = Talker(core, pipeline, Address("dingtalk", "nobody"))
    leaver = await staff(core, pipeline, "小李")
    await employees.depart(core, SYSTEM, leaver.employee.id)
    people = [chat, stranger, leaver]
    told = await answers(core, pipeline, [each.message("帮助") for each in people])
    assert ["请先绑定账号" in text for text in told] == [False, True, True]
    told = await answers(core, pipeline, [each.message("公海") for each in people])
    assert ["还不认识这个账号" in text for text in told] == [False, True, True]


async def test_an_account_that_is_still_bound_does_not_make_a_leaver_an_employee(
    core: Core, pipeline: Pipeline, chat: Staff
) -> None:
    await employees.Employee.filter(id=chat.employee.id).update(departed_at=core.clock.now())
    assert "请先绑定账号" in (await answers(core, pipeline, [chat.message("帮助")]))[0]


async def test_repeats_get_the_stored_reply(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    message = chat.message("帮助")
    first, second = await arrive(core, pipeline, [message, message])
    (later,) = await arrive(core, pipeline, [message])
    if first.done:
        assert first.recorded.reply
        assert first.recorded.reply == second.recorded.reply == later.recorded.reply
    assert [first.recorded.new, second.recorded.new, later.recorded.new] == [True, False, False]
    assert await Message.filter(direction="in").count() == 1
    assert await Message.filter(direction="out").count() == first.done


async def test_an_open_question_is_put_aside_also_by_help(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    await chat.says("提醒我给赵六打电话")
    in_group, in_private = await answers(core, pipeline, [in_a_group(chat.message("帮助")), chat.message("帮助")])
    assert "刚才的问题已放下" in in_private
    assert "刚才的问题已放下" not in in_group
    (again,) = await answers(core, pipeline, [chat.message("帮助")])
    assert again == in_group


async def test_what_one_person_says_is_worked_on_in_order(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    said = ["提醒我给赵六打电话", "明天下午三点", "帮助"]
    first, second, third = await answers(core, pipeline, [chat.message(words) for words in said])
    assert first == "什么时候？"
    assert "15:00提醒" in second
    assert "直接说一句话就行" in third


@ALONE
async def test_nothing_is_answered_before_what_the_person_said_earlier(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    earlier = chat.message("提醒我给赵六打电话")
    (begun,) = await arrive(core, pipeline, [earlier])
    core.clock.advance(60)  # type: ignore[attr-defined]  # longer than a lease: whoever works on it may be slow
    later = [chat.message("帮助"), in_a_group(chat.message("帮助"))]
    for message in later:
        (taken,) = await arrive(core, pipeline, [message])
        assert (taken.done, taken.begun) == (False, None)
    assert begun.begun
    await pipeline.work(begun.recorded.id, earlier, NobodyWaits(), begun=begun.begun)
    (taken,) = await arrive(core, pipeline, [chat.message("帮助")])
    assert not taken.done  # those in between are not done either


@ALONE
async def test_nothing_is_answered_before_what_came_with_it(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    press = chat.message("", kind=Kind.EVENT, event=PRESS, data={"card_message_id": 1, "card_mark": "x", "button": 1})
    for first in (chat.message("提醒我给赵六打电话"), press):
        taken = await arrive(core, pipeline, [first, chat.message("帮助")])
        assert [each.done for each in taken] == [False, False]
        assert taken[0].recorded.id < taken[1].recorded.id
        await Message.all().delete()


@ALONE
async def test_the_work_on_anything_else_is_begun_once(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    other = await staff(core, pipeline, "小李")
    taken = await arrive(core, pipeline, [chat.message("公海"), other.message("公海"), other.message("公海")])
    assert [each.done for each in taken] == [False] * 3
    assert [each.begun is not None for each in taken] == [True, True, False]
    rows = await Message.filter(direction="in").order_by("id")
    assert [(row.status, row.attempts, row.lease_until is not None) for row in rows] == [
        ("open", 1, True),
        ("open", 1, True),
        ("open", 0, True),
    ]


async def test_only_words_of_members_are_taken_for_such(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    customer = Talker(core, pipeline, Address("wechat", "oCustomer1"))
    bare = [chat.message("", kind=Kind.IMAGE), chat.message("帮助", kind=Kind.OTHER)]
    failed = chat.message("帮助", data={"error_code": 1})
    event = chat.message("帮助", kind=Kind.EVENT, event="user_add_org")
    about = replace(chat.message("帮助"), about_customer=True, address=Address("dingtalk", "wmCustomer"))
    for message in [*bare, failed, event, about, customer.message("帮助")]:
        (answer,) = await answers(core, pipeline, [message])
        assert "直接说一句话就行" not in answer
    taken = await arrive(core, pipeline, [chat.message("", kind=Kind.EVENT, event="user_leave_org"), chat.message("帮助")])
    assert [each.done for each in taken] == [True, False]


async def test_a_command_that_fails_or_must_look_is_not_answered_at_once(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    def fails(ctx: ChatContext) -> Reply:
        raise ValueError(ctx.intent)

    async def looks(ctx: ChatContext) -> Reply:
        return replies.text("看过了")

    commands = all_commands()
    for handler, words in ((fails, "系统开小差"), (looks, "看过了")):
        pipeline._router._commands = {**commands, "help": replace(commands["help"], handler=handler)}
        message = chat.message("帮助")
        account = await core.db.read(find_account(chat.address))
        assert account
        assert pipeline.at_once(message, await core.db.read(speaking.look(core, message, account))) is None
        assert words in (await answers(core, pipeline, [message]))[0]


@ALONE
async def test_statements_do_not_grow_with_the_number_of_people(core: Core, pipeline: Pipeline) -> None:
    people = [await staff(core, pipeline, f"员工{number}") for number in range(12)]

    async def count(words: str, of: int) -> int:
        statements = 0

        def counted() -> Program[list[Taken]]:
            nonlocal statements
            program = take_all(core, [Arrived(each.message(words), passive=True) for each in people[:of]], pipeline.at_once)
            found = None
            while True:
                try:
                    step = program.send(found)
                except StopIteration as stop:
                    return stop.value
                statements += 1
                found = yield step

        await core.db.run(counted())
        return statements

    assert await count("帮助", 2) == await count("帮助", 12) <= 6
    few = await count("公海", 2)
    await Message.filter(status="open").update(status="done")
    assert await count("公海", 12) == few <= 5
