"""Pressed buttons of cards: carried to the application over HTTP or the Stream, and the card changed by the answer.

Source: protocols.md sections 4.3, step 4, and 4.5, cards.
"""

import json
import uuid
from dataclasses import dataclass

from bot.simulator.calls import Refused
from bot.simulator.dingtalk import cards, frames
from bot.simulator.dingtalk.card_api import CardApi
from bot.simulator.dingtalk.cards import Card, Params
from bot.simulator.dingtalk.connections import NO_ACK, Connections
from bot.simulator.dingtalk.frames import CALLBACK, CARD_TOPIC, Frame
from bot.simulator.dingtalk.knobs import Knobs
from bot.simulator.dingtalk.pusher import NO_CALLBACK, Push, Pusher
from bot.simulator.dingtalk.state import DingTalkState
from bot.simulator.records import Json


@dataclass(frozen=True, slots=True)
class Press:
    """One pressed button: what was sent, what came back, what the person sees now."""

    push: Push
    shown: Params

    @property
    def problem(self) -> str:
        """Say why the answer did not count; empty if it did."""
        return self.push.problem


class Presses:
    """Carries what people press."""

    def __init__(self, state: DingTalkState, knobs: Knobs, api: CardApi, pusher: Pusher, connections: Connections) -> None:
        self._state = state
        self._knobs = knobs
        self._api = api
        self._pusher = pusher
        self._connections = connections

    async def press(self, out_track_id: str, staff_id: str, action_ids: list[str], params: Json) -> Press:
        """Let a person press a button; an answer in time changes the card.

        Raises: KeyError for an unknown card.
        """
        card = self._api.cards[out_track_id]
        content = {"cardPrivateData": {"actionIds": action_ids, "params": params}}
        body: Json = {
            "type": "actionCallback",
            "outTrackId": out_track_id,
            "corpId": self._state.app.corp_id,
            "userId": staff_id,
            "content": json.dumps(content, ensure_ascii=False),
        }
        push, answer = await self._carry(card, body)
        problem = push.problem or self._change(card, staff_id, answer)
        return Press(push.explained(problem), card.shown_to(staff_id))

    async def _carry(self, card: Card, body: Json) -> tuple[Push, Json]:
        route = self._api.routes_by_key.get(card.route_key)
        if card.callback_type == "STREAM":
            self._state.limits.count_push()
            return await self._carry_frame(body)
        if card.callback_type != "HTTP" or route is None:
            return Push(body, None, b"", 0.0, problem=NO_CALLBACK), {}
        self._state.limits.count_push()
        push = await self._pusher.push_card(route.url, route.api_secret, body, self._knobs.card_seconds)
        push, answer = _read_body(push)
        if push.problem:
            self._complain(push.problem)
        return push, answer

    async def _carry_frame(self, body: Json) -> tuple[Push, Json]:
        frame = Frame(CALLBACK, CARD_TOPIC, frames.pack(body), str(uuid.uuid4()))
        outcome = await self._connections.push(frame, self._knobs.card_seconds)
        ack = outcome.ack
        if ack is None:
            if outcome.problem == NO_ACK:
                self._complain(f"no answer within {self._knobs.card_seconds} s")
            return Push(body, None, b"", outcome.seconds, problem=outcome.problem, via="stream"), {}
        push = Push(body, ack.code, ack.raw.encode(), outcome.seconds, problem=outcome.problem, via="stream")
        if ack.code != 200:
            return push.explained(push.problem or f"code {ack.code}"), {}
        answer = ack.data.get("response")
        return push, answer if isinstance(answer, dict) else {}

    def _change(self, card: Card, staff_id: str, answer: Json) -> str:
        if "cardData" not in answer and "userPrivateData" not in answer:
            return ""
        try:
            public = cards.read_params(answer["cardData"]) if "cardData" in answer else None
            own = cards.read_params(answer["userPrivateData"]) if "userPrivateData" in answer else None
            options = cards.read_options(answer.get("cardUpdateOptions"))
        except Refused as refusal:
            self._complain(refusal.code)
            return refusal.code
        card.change(public, {} if own is None else {staff_id: own}, options)
        return ""

    def _complain(self, problem: str) -> None:
        self._state.records.complain("card answer", problem)


def _read_body(push: Push) -> tuple[Push, Json]:
    if push.status != 200:
        return push.explained(push.problem or f"status {push.status}"), {}
    if not push.answer.strip():
        return push, {}
    try:
        fields = json.loads(push.answer)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return push.explained("the answer is no JSON object"), {}
    return push, fields
