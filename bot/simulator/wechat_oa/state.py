"""What the parts of the simulated Official Account share, and how they read a call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from bot.simulator.accounts import SimulatorOptions, WeChatAccount
from bot.simulator.calls import Call, errcode, has_escapes, read_object
from bot.simulator.clock import SimClock
from bot.simulator.documents import Fields
from bot.simulator.records import Json, Records
from bot.simulator.wechat_oa.followers import Followers
from bot.simulator.wechat_oa.quotas import Quotas
from bot.simulator.wechat_oa.tokens import Tokens
from bot.simulator.wechat_oa.windows import Windows

PLATFORM = "wechat_oa"
OK: Json = {"errcode": 0, "errmsg": "ok"}


@dataclass(slots=True)
class WeChatState:
    """The memory of one Official Account."""

    account: WeChatAccount
    options: SimulatorOptions
    clock: SimClock
    records: Records
    followers: Followers
    windows: Windows
    tokens: Tokens
    quotas: Quotas
    emit: Callable[[str, Fields], None]  # pushes a result event to the callback later
    numbers: "count[int]" = field(default_factory=lambda: count(3_000_000_001))

    def admit(self, call: Call) -> None:
        """Check the token of a call and count it against its quotas."""
        self.tokens.check(call.query.get("access_token"))
        self.quotas.spend(call.path)

    def read(self, call: Call) -> Json:
        r"""Admit a call and read its JSON body; visible characters written as \uXXXX are refused and noted."""
        self.admit(call)
        if has_escapes(call.body):
            self.records.complain(call.path, "the JSON body holds \\uXXXX instead of raw UTF-8")
            if self.options.strict_unicode:
                raise errcode(
                    40033, "invalid charset. please check your request, if include \\uxxxx will create fail! rid: simulated"
                )
        fields = read_object(call.body)
        if fields is None:
            raise errcode(47001, "data format error rid: simulated")
        return fields

    def need_service_account(self) -> None:
        """Refuse what a subscription account may not do."""
        if not self.account.service:
            raise errcode(48001, "api unauthorized rid: simulated")

    def make_id(self) -> int:
        """Make the next message number."""
        return next(self.numbers)


def make_state(
    account: WeChatAccount,
    options: SimulatorOptions,
    clock: SimClock,
    records: Records,
    emit: Callable[[str, Fields], None],
) -> WeChatState:
    """Make the empty memory of an account."""
    return WeChatState(
        account,
        options,
        clock,
        records,
        Followers(clock),
        Windows(clock),
        Tokens(account, options, clock),
        Quotas(clock),
        emit,
    )
