"""Events of the subscription: at least once, over HTTP or over the Stream.

An event comes again when it is not acknowledged or asked for later, and sometimes although it was acknowledged.
Source: protocols.md sections 4.3 and 4.4.
"""

import asyncio
import random
import uuid
from dataclasses import dataclass, field

from bot.simulator.dingtalk import frames
from bot.simulator.dingtalk.connections import Connections
from bot.simulator.dingtalk.frames import EVENT, EVENT_TOPIC, Frame
from bot.simulator.dingtalk.knobs import Knobs
from bot.simulator.dingtalk.pusher import NO_CALLBACK, Push, Pusher
from bot.simulator.dingtalk.state import DingTalkState
from bot.simulator.records import Json
from bot.simulator.tasks import Tasks


@dataclass(slots=True)
class Event:
    """One event and its deliveries so far."""

    event_type: str
    fields: Json  # named as over HTTP: UserId, ChatId
    born_ms: int
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    pushes: list[Push] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Tell whether it was acknowledged."""
        return any(not push.problem for push in self.pushes)


class EventDesk:
    """Delivers events until they are acknowledged or their deliveries are used up."""

    def __init__(self, state: DingTalkState, knobs: Knobs, pusher: Pusher, connections: Connections, tasks: Tasks) -> None:
        self.events: list[Event] = []
        self._state = state
        self._knobs = knobs
        self._pusher = pusher
        self._connections = connections
        self._tasks = tasks
        self._random = random.Random(13)

    async def send(self, event_type: str, fields: Json, *, stream: bool) -> Push:
        """Deliver a new event once; what has to follow goes on in the background."""
        event = Event(event_type, fields, int(self._state.clock.stamp() * 1000))
        if not self._state.options.counting_only:
            self.events.append(event)
        push = await self._deliver(event, stream)
        if push.problem and push.problem != NO_CALLBACK and not stream:
            self._state.records.complain("event answer", push.problem)
        again = self._random.random() < self._knobs.event_repeat_share
        if (push.problem and self._knobs.event_attempts > 1) or again:
            self._tasks.spawn(self._repeat(event, stream), "event")
        return push

    async def _repeat(self, event: Event, stream: bool) -> None:
        while len(event.pushes) < max(self._knobs.event_attempts, 2):
            await asyncio.sleep(self._knobs.event_retry_seconds)
            if not (await self._deliver(event, stream)).problem:
                return

    async def _deliver(self, event: Event, stream: bool) -> Push:
        self._state.limits.count_push()
        push = await (self._push_frame(event) if stream else self._push_body(event))
        event.pushes.append(push)
        return push

    async def _push_body(self, event: Event) -> Push:
        head = {"EventType": event.event_type, "TimeStamp": str(event.born_ms), "CorpId": self._state.app.corp_id}
        body = head | event.fields
        if not self._pusher.events_url:
            return Push(body, None, b"", 0.0, problem=NO_CALLBACK)
        return await self._pusher.push_event(body)

    async def _push_frame(self, event: Event) -> Push:
        data = {"timeStamp": str(event.born_ms)} | {name[0].lower() + name[1:]: value for name, value in event.fields.items()}
        extra = {
            "eventId": event.event_id,
            "eventType": event.event_type,
            "eventCorpId": self._state.app.corp_id,
            "eventBornTime": event.born_ms,
            "eventUnifiedAppId": f"unified-{self._state.app.client_id}",
        }
        frame = Frame(EVENT, EVENT_TOPIC, frames.pack(data), str(uuid.uuid4()), extra)
        outcome = await self._connections.push(frame, self._knobs.ack_seconds)
        ack = outcome.ack
        if ack is None:
            return Push(data, None, b"", outcome.seconds, problem=outcome.problem, via="stream")
        problem = outcome.problem or (f"code {ack.code}" if ack.code != 200 else "asked for later" if ack.is_later else "")
        text = str(ack.data.get("status", ""))
        return Push(data, ack.code, ack.raw.encode(), outcome.seconds, text=text, problem=problem, via="stream")


def make_org_fields(staff_ids: list[str], **more: object) -> Json:
    """Name the people of an event of the organisation, such as user_add_org."""
    return {"UserId": staff_ids, **more}


def make_chat_fields(conversation_id: str, operator: str, staff_ids: list[str], **more: object) -> Json:
    """Name group and people of a chat event, such as chat_add_member."""
    head: Json = {"ChatId": f"chat{conversation_id}", "OpenConversationId": conversation_id}
    return head | {"Operator": operator, "UserId": staff_ids} | more
