"""Fault row 12: two copies of every role on one PostgreSQL; one of everything, and nothing worked on by two at once."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.bench.load import Job, run_load
from bot.bench.place import Place, ask
from bot.bench.rows_sending import start_broadcast
from bot.simulator.wechat_oa import messages
from crm_core.clock import SHANGHAI
from tests.conftest import new_database
from tests.faults.test_repeats import deliver
from tests.faults.town import Town, town
from tests.waiting import until

SEND = "/cgi-bin/message/custom/send"
CONCURRENCY = 50
IN_DINGTALK = "direction = 'in' AND channel = 'dingtalk'"


async def pushes_to(made: Town, place: Place) -> None:
    await made.control("configure", {"dingtalk": {"callback_url": f"http://127.0.0.1:{place.port}/hook/dingtalk"}})


async def post(place: Place, path: str, body: object, token: str, key: str = "") -> dict[str, object]:
    return await ask(f"http://127.0.0.1:{place.port}/api/v1/{path}", body, token=token, key=key)


@pytest.mark.faults
@pytest.mark.timeout(300)
async def test_same_messages_to_two_gateways_are_worked_on_once(tmp_path: Path) -> None:
    count = 1000
    async with town(tmp_path, 300, where=await new_database()) as made:
        gateways = [(await made.copy("--role", "gateway"))[0] for _ in range(2)]
        for _ in range(2):
            await made.copy("--role", "worker")
        jobs = [Job(each.port, count=count, people=300, copies=2, insist=True, keep_bodies=True) for each in gateways]
        for seen in await asyncio.gather(*map(run_load, jobs)):
            assert seen.acknowledged >= 2 * count
        incoming = "SELECT status, count(*), count(DISTINCT key) FROM messages WHERE direction = 'in' GROUP BY status"
        assert made.rows(incoming) == [("done", count, count)]
        answers = "SELECT count(*), count(DISTINCT reply_to_id) FROM messages WHERE direction = 'out' AND channel = 'wechat'"
        assert made.rows(answers) == [(count, count)]
        notices = "SELECT status, count(*) FROM messages WHERE key LIKE 'notice:%' GROUP BY status"
        await until(lambda: made.rows(notices) == [("sent", count)], within=120)
        assert (await made.control("received?platform=dingtalk"))["count"] == count
        assert (await made.control("received?platform=wechat_oa"))["count"] == 0


@pytest.mark.faults
@pytest.mark.timeout(400)
async def test_broadcast_of_two_workers_one_of_which_is_killed_again_and_again(tmp_path: Path) -> None:
    people, kills = 1500, 5
    async with town(tmp_path, people, where=await new_database(), delivery={"lease": "6s"}) as made:
        tokens = [await made.place.run("token", "create", name, "--role", "admin") for name in ("author", "approver")]
        gateway, _ = await made.copy("--role", "gateway")
        await made.copy("--role", "worker")
        await made.control("faults", {"path": SEND, "kind": "slow", "times": None, "delay_seconds": 0.3})
        number = await start_broadcast(gateway, *tokens)
        for _ in range(kills):
            _, other = await made.copy("--role", "worker")
            await asyncio.sleep(1.0)
            await other.kill()
        state = f"SELECT status FROM broadcasts WHERE id = {number}"
        await until(lambda: made.rows(state) == [("finished",)], within=150)
        counts = dict(made.rows("SELECT status, count(*) FROM recipients GROUP BY status"))
        assert counts.keys() <= {"sent", "unknown"}
        assert sum(counts.values()) == people
        assert counts.get("unknown", 0) <= 2 * CONCURRENCY * kills
        received = await made.control("received?platform=wechat_oa")
        assert received["doubles"] == {}
        assert counts["sent"] <= received["count"] <= people


@pytest.mark.faults
@pytest.mark.timeout(180)
async def test_conversation_is_in_order_and_a_living_process_keeps_its_message(tmp_path: Path) -> None:
    """One gateway thinks for longer than a lease; what the same person says to the other one meanwhile waits."""
    async with town(tmp_path, 1, keep=True, where=await new_database(), server={"reply_within": "200ms"}) as made:
        slow = (sys.executable, "-m", "bot.bench.slow_serve", "27", "gateway")
        first, _ = await made.copy(command=slow)
        second, _ = await made.copy("--role", "gateway")
        for _ in range(2):
            await made.copy("--role", "worker")
        await pushes_to(made, first)
        assert (await made.control("dingtalk/say", {"staff_id": "staff3", "text": "帮助 慢"}))["status"] == 200
        await pushes_to(made, second)
        assert (await made.control("dingtalk/say", {"staff_id": "staff3", "text": "我的线索"}))["status"] == 200
        assert (await made.control("dingtalk/say", {"staff_id": "staff4", "text": "我的线索"}))["status"] == 200
        done = f"SELECT external_account FROM messages WHERE {IN_DINGTALK} AND status = 'done' ORDER BY updated_at, id"
        await until(lambda: made.rows(done) == [("staff4",)], within=10)
        await asyncio.sleep(15)
        assert made.rows(done) == [("staff4",)]
        await until(lambda: len(made.rows(done)) == 3, within=30)
        order = f"SELECT id, attempts FROM messages WHERE {IN_DINGTALK} AND external_account = 'staff3' ORDER BY updated_at"
        assert made.rows(order) == sorted(made.rows(order))
        assert {attempts for _, attempts in made.rows(order)} == {1}
        late = "SELECT count(*) FROM messages WHERE topic = 'reply' AND status <> 'sent'"
        await until(lambda: made.rows(late) == [(0,)], within=10)
        assert made.rows("SELECT count(*), count(DISTINCT reply_to_id) FROM messages WHERE direction = 'out'") == [(3, 3)]
        assert (await made.control("received?platform=dingtalk"))["count"] == 3


@pytest.mark.faults
@pytest.mark.timeout(180)
async def test_message_of_a_killed_gateway_is_taken_over_once(tmp_path: Path) -> None:
    async with town(tmp_path, 1, keep=True, where=await new_database(), server={"reply_within": "200ms"}) as made:
        gateway, running = await made.copy(command=(sys.executable, "-m", "bot.bench.slow_serve", "60", "gateway"))
        for _ in range(2):
            await made.copy("--role", "worker")
        await pushes_to(made, gateway)
        assert (await made.control("dingtalk/say", {"staff_id": "staff3", "text": "帮助 慢"}))["status"] == 200
        await asyncio.sleep(1)
        await running.kill()
        replies = "SELECT status FROM messages WHERE topic = 'reply'"
        await until(lambda: made.rows(replies) == [("sent",)], within=55)
        assert made.rows(f"SELECT status, attempts FROM messages WHERE {IN_DINGTALK}") == [("done", 2)]
        assert (await made.control("received?platform=dingtalk"))["count"] == 1


@pytest.mark.faults
@pytest.mark.timeout(180)
async def test_schedule_codes_and_keys_are_used_once(tmp_path: Path) -> None:
    async with town(tmp_path, 40, where=await new_database()) as made:
        token = await made.place.run("token", "create", "boss", "--role", "admin")
        code = (await made.place.run("employee", "bind-code", "5")).split()[-1]
        places = [(await made.copy())[0] for _ in range(2)]  # both with every role

        day = datetime.now(UTC).astimezone(SHANGHAI) + timedelta(minutes=30)
        made.rows("UPDATE leads SET birthday = ? RETURNING id", f"{day:%m-%d}")
        segment = await post(places[0], "segments", {"name": "所有人", "conditions": {}}, token)
        template = await post(places[0], "templates", {"name": "生日", "kind": "text", "body": "{称呼}，生日快乐！"}, token)
        plan = {"name": "生日", "segment_id": segment["id"], "template_id": template["id"], "channel": "wechat"}
        made_plan = await post(places[0], "greetings", plan | {"time": f"{day:%H:%M}", "birthday": True}, token)
        await post(places[0], f"greetings/{made_plan['id']}/approve", {}, token)

        lead = {"name": "李雷", "company": "雷厉机械"}
        created = await asyncio.gather(*(post(place, "leads", lead, token, "once") for place in places * 5))
        assert len({each["id"] for each in created}) == 1
        due = datetime.now(UTC).isoformat()
        for number in range(20):
            reminder = {"owner_id": 3, "text": f"回电话{number}", "at": due}
            await post(places[number % 2], "reminders", reminder, token)
        bound = await asyncio.gather(*(bind(made, place, number, code) for number, place in enumerate(places)))
        assert bound == [200, 200]

        told = "SELECT count(*), count(DISTINCT text) FROM messages WHERE topic = 'reminder' AND status = 'sent'"
        await until(lambda: made.rows(told) == [(20, 20)], within=20)
        await until(lambda: made.rows("SELECT count(*) FROM broadcasts") == [(1,)], within=60)
        assert made.rows("SELECT count(*) FROM schedule_slots WHERE name LIKE 'greeting:%'") == [(1,)]
        assert made.rows("SELECT count(*) FROM leads WHERE name = '李雷'") == [(1,)]
        staff = "SELECT count(*) FROM accounts WHERE person_kind = 'employee' AND channel = 'wechat'"
        await until(lambda: made.rows(staff) == [(1,)], within=10)
        assert made.rows("SELECT count(*) FROM bind_codes WHERE used_at IS NOT NULL") == [(1,)]


async def bind(made: Town, place: Place, number: int, code: str) -> int:
    made.place.port = place.port
    return await deliver(made, number, messages.text(f"绑定 {code}") | {"MsgId": 77 + number})


@pytest.mark.faults  # processes are started one after the other
async def test_schema_is_brought_up_once_by_migrate_alone(tmp_path: Path) -> None:
    place = Place(tmp_path, server=await new_database())
    with pytest.raises(RuntimeError, match="guanxi migrate"):
        await place.run("serve")
    told = await asyncio.gather(place.run("migrate"), place.run("migrate"))
    assert told == ["数据库结构已是最新"] * 2
    assert "boss" not in await place.run("token", "list")
    broken = Place(tmp_path, server=place.server.replace("guanxi:guanxi@", "guanxi:wrong@"))
    with pytest.raises(RuntimeError, match=r"连不上数据库 127\.0\.0\.1") as refused:
        await broken.run("serve")
    assert "wrong" not in str(refused.value)
