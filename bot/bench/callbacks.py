"""What people say, as each platform posts it: the address, the headers and the body of its callback.

A message is made once and written anew for each delivery, as the platforms do: another nonce, another time, another sign.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bot.simulator import DingTalkApp, SimulatorOptions, WeChatAccount, WeComCorp
from bot.simulator.clock import SimClock
from bot.simulator.dingtalk import messages as dingtalk_messages
from bot.simulator.dingtalk.inbound import Inbound
from bot.simulator.dingtalk.knobs import Knobs
from bot.simulator.dingtalk.limits import Limits
from bot.simulator.dingtalk.state import DingTalkState
from bot.simulator.envelope import robot_sign
from bot.simulator.records import Records
from bot.simulator.wechat_oa import documents, messages
from bot.simulator.wecom.documents import envelope_of
from bot.simulator.wecom.documents import make_document as make_sealed


@dataclass(frozen=True, slots=True)
class Callback:
    """One delivery."""

    body: bytes
    content_type: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(self, path: str, port: int) -> bytes:
        """Write it as an HTTP request."""
        where = f"{path}?{urlencode(self.query)}" if self.query else path
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = (
            f"POST {where} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\n{more}"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


Deliver = Callable[[], Callback]
"""Writes one message for one more delivery."""
Say = Callable[[str, str, int], Deliver]
"""Makes a message: who says what, and its number."""


def wechat(_: str) -> Say:
    """Speak as a follower of the Official Account, in safe mode."""
    account, clock = WeChatAccount(), SimClock()

    def say(person: str, words: str, number: int) -> Deliver:
        head = {"ToUserName": account.original_id, "FromUserName": person, "CreateTime": int(clock.stamp())}
        fields = head | messages.text(words) | {"MsgId": number}

        def deliver() -> Callback:
            document = documents.make_document(account, fields, clock.stamp(), openid=person)
            return Callback(document.body, document.content_type, document.query)

        return deliver

    return say


def wecom(_: str) -> Say:
    """Speak as a member to the application; always sealed."""
    corp, clock = WeComCorp(), SimClock()
    envelope = envelope_of(corp)

    def say(person: str, words: str, number: int) -> Deliver:
        head = {"ToUserName": corp.corp_id, "FromUserName": person, "CreateTime": int(clock.stamp())}
        fields = head | messages.text(words) | {"MsgId": number, "AgentID": corp.agent_id}

        def deliver() -> Callback:
            document = make_sealed(envelope, fields, clock.stamp())
            return Callback(document.body, "text/xml", document.query)

        return deliver

    return say


def dingtalk(base_url: str) -> Say:
    """Speak as an employee to the robot, over HTTP."""
    app, clock, options = DingTalkApp(), SimClock(), SimulatorOptions(dingtalk_unknown_staff=True)
    state = DingTalkState(app, options, clock, Records(clock), Limits(options, clock), Knobs(), base_url=base_url)
    inbound = Inbound(state)

    def say(person: str, words: str, _: int) -> Deliver:
        body = json.dumps(inbound.make(person, dingtalk_messages.text(words), None), ensure_ascii=False).encode()

        def deliver() -> Callback:
            timestamp = str(int(clock.stamp() * 1000))
            headers = {"timestamp": timestamp, "sign": robot_sign(timestamp, app.client_secret)}
            return Callback(body, "application/json; charset=utf-8", headers=headers)

        return deliver

    return say


PLATFORMS: Mapping[str, Callable[[str], Say]] = {"wechat": wechat, "wecom": wecom, "dingtalk": dingtalk}
"""By the name of the channel; each takes the address the platforms are asked at."""
