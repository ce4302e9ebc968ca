"""The platform's own client library agrees with the simulated Stream.

It blocks its loop while it asks for a ticket, so it runs in a thread with a loop of its own.
"""

import asyncio
import contextlib
import logging
import threading
import warnings
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import websockets

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # an old library; its own warnings are not ours
    import dingtalk_stream
    from dingtalk_stream import AckMessage, CallbackHandler, ChatbotHandler, ChatbotMessage, EventHandler, card_callback

from tests.waiting import until

SECONDS = 20.0


class Notes:
    """What the handlers of the library got."""

    def __init__(self) -> None:
        self.messages: list[ChatbotMessage] = []
        self.events: list[dingtalk_stream.EventMessage] = []
        self.presses: list[card_callback.CardCallbackMessage] = []
        self.event_code = AckMessage.STATUS_OK


def make_handlers(notes: Notes) -> tuple[ChatbotHandler, EventHandler, CallbackHandler]:
    class Robot(ChatbotHandler):
        async def process(self, callback):
            notes.messages.append(ChatbotMessage.from_dict(callback.data))
            return AckMessage.STATUS_OK, "OK"

    class Events(EventHandler):
        async def process(self, event):
            notes.events.append(event)
            return notes.event_code, "OK"

    class Cards(CallbackHandler):
        async def process(self, callback):
            notes.presses.append(card_callback.CardCallbackMessage.from_dict(callback.data))
            return AckMessage.STATUS_OK, {"cardData": {"cardParamMap": {"status": "已通过"}}}

    return Robot(), Events(), Cards()


class Runner:
    """Runs one client in a thread until told to stop."""

    def __init__(self, client: dingtalk_stream.DingTalkStreamClient) -> None:
        self.client = client
        self.loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.task = asyncio.ensure_future(self.client.start())
        await asyncio.wait({self.task})

    @property
    def is_apart(self) -> bool:
        """Tell whether the client's socket, if there ever was one, has ended."""
        socket = self.client.websocket
        return socket is None or socket.state is websockets.State.CLOSED

    def stop(self) -> None:
        """End a client that has lost its socket: it waits to connect again, and there a cancellation ends it."""
        while self.thread.is_alive():
            if self.loop is not None and self.task is not None:
                with contextlib.suppress(RuntimeError):  # the loop may close in between
                    self.loop.call_soon_threadsafe(self.task.cancel)
            self.thread.join(0.05)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest_asyncio.fixture
async def running(quick, notes, monkeypatch) -> AsyncIterator[dingtalk_stream.DingTalkStreamClient]:
    """The library's client, connected to the simulator or about to be."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    quick.dingtalk.knobs.ack_seconds = 5.0
    quick.dingtalk.stream = True
    monkeypatch.setattr(
        dingtalk_stream.DingTalkStreamClient, "OPEN_CONNECTION_API", f"{quick.base_url}/v1.0/gateway/connections/open"
    )
    app = quick.dingtalk.app
    quiet = logging.getLogger("tests.dingtalk_stream")
    quiet.setLevel(logging.CRITICAL)
    client = dingtalk_stream.DingTalkStreamClient(dingtalk_stream.Credential(app.client_id, app.client_secret), logger=quiet)
    client.get_host_ip = lambda: "127.0.0.1"  # the library asks a public address for it
    robot, events, cards = make_handlers(notes)
    client.register_callback_handler(ChatbotMessage.TOPIC, robot)
    client.register_callback_handler(CallbackHandler.TOPIC_CARD_CALLBACK, cards)
    client.register_all_event_handler(events)
    runner = Runner(client)
    runner.thread.start()
    yield client
    quick.dingtalk.knobs.refuse_opening = True
    quick.dingtalk.gateway.drop()
    await until(lambda: not quick.dingtalk.gateway.open and runner.is_apart, within=SECONDS)
    await asyncio.to_thread(runner.stop)


async def connected(quick) -> None:
    await until(lambda: len(quick.dingtalk.gateway.open) == 1, within=SECONDS)


async def test_it_connects_with_its_subscriptions(quick, running):
    await connected(quick)
    assert quick.dingtalk.gateway.open[0].subscriptions == {
        ("EVENT", "*"),
        ("CALLBACK", ChatbotMessage.TOPIC),
        ("CALLBACK", CallbackHandler.TOPIC_CARD_CALLBACK),
    }
    body = quick.dingtalk.calls("/v1.0/gateway/connections/open")[0].json
    assert body["clientId"] == quick.dingtalk.app.client_id


async def test_it_reads_robot_messages_and_its_acks_are_taken(quick, running, notes):
    await connected(quick)
    dingtalk = quick.dingtalk
    pushes = [
        await dingtalk.say("s1", "今天拜访了王总"),
        await dingtalk.say("s1", "客户池", group="cidG"),
        await dingtalk.send_rich_text("s1", ["看图", ("D1",)], group="cidG"),
        await dingtalk.send_picture("s1"),
    ]
    assert [(push.status, push.problem) for push in pushes] == [(200, "")] * 4
    texts = [message.get_text_list() for message in notes.messages]
    assert texts == [["今天拜访了王总"], [" 客户池"], ["看图"], None]
    first, second = notes.messages[:2]
    assert (first.conversation_type, first.sender_staff_id, first.robot_code) == ("1", "s1", dingtalk.app.robot_code)
    assert (second.conversation_type, second.conversation_title, second.is_in_at_list) == ("2", "cidG", True)
    assert first.session_webhook_expired_time - first.create_at == 90 * 60 * 1000
    assert notes.messages[2].get_image_list() == ["D1"]
    assert quick.complaints == []


async def test_it_reads_events_and_gets_them_again_when_it_fails(quick, running, notes):
    await connected(quick)
    push = await quick.dingtalk.send_event("user_add_org", UserId=["s1"])
    assert (push.status, push.problem) == (200, "")
    event = notes.events[0]
    assert (event.headers.event_type, event.headers.event_corp_id) == ("user_add_org", quick.dingtalk.app.corp_id)
    assert event.data["userId"] == ["s1"]
    notes.event_code = AckMessage.STATUS_SYSTEM_EXCEPTION
    assert (await quick.dingtalk.send_event("user_leave_org", UserId=["s1"])).problem == "code 500"
    await quick.settle()
    ids = [event.headers.event_id for event in notes.events]
    assert (len(ids), len(set(ids))) == (4, 2)
    assert quick.complaints == []


async def test_it_reads_pressed_buttons_and_its_answer_changes_the_card(quick, running, notes, api):
    await connected(quick)
    quick.dingtalk.add_staff("s1", "小王")
    quick.dingtalk.knobs.card_seconds = 10.0
    body = {
        "cardTemplateId": "tpl",
        "outTrackId": "track-1",
        "callbackType": "STREAM",
        "cardData": {"cardParamMap": {"status": "待审批"}},
        "openSpaceId": "dtv1.card//IM_ROBOT.s1",
        "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": quick.dingtalk.app.robot_code},
    }
    assert (await api.dingtalk("/v1.0/card/instances/createAndDeliver", body))[0] == 200
    press = await quick.dingtalk.staff_presses("track-1", "s1", ["agree"], {"action": "accept"})
    assert (press.problem, press.shown) == ("", {"status": "已通过"})
    seen = notes.presses[0]
    assert (seen.card_instance_id, seen.user_id, seen.corp_id) == ("track-1", "s1", quick.dingtalk.app.corp_id)
    assert seen.content["cardPrivateData"] == {"actionIds": ["agree"], "params": {"action": "accept"}}
    assert quick.complaints == []


async def test_it_echoes_pings_and_comes_back_after_a_disconnect(quick, running):
    await connected(quick)
    assert (await quick.dingtalk.gateway.ping()).problem == ""
    assert quick.complaints == []
    quick.dingtalk.knobs.silence_seconds = 0
    await quick.dingtalk.gateway.disconnect()
    await until(lambda: quick.dingtalk.gateway.opened_count == 2, within=SECONDS)
    await connected(quick)
    # It acknowledges the disconnect, which the protocol does not ask for, if its socket lives long enough.
    assert {row.what for row in quick.complaints} <= {"a disconnect wants no ack"}
    assert (await quick.dingtalk.say("s1", "还在吗")).status == 200
