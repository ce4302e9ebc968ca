"""What the parts of the simulated WeCom share, and how a call is admitted."""

from dataclasses import dataclass, field
from itertools import count

from bot.simulator.accounts import SimulatorOptions, WeComCorp
from bot.simulator.calls import Call, errcode
from bot.simulator.clock import SimClock
from bot.simulator.records import Json, Records
from bot.simulator.wecom.directory import Directory
from bot.simulator.wecom.limits import Limits
from bot.simulator.wecom.media import MediaStore
from bot.simulator.wecom.relations import Relations
from bot.simulator.wecom.shapes import Kinds, check_fields, read_body
from bot.simulator.wecom.tokens import Scope, Tokens

PLATFORM = "wecom"
PREFIX = "/wecom/cgi-bin"
OK: Json = {"errcode": 0, "errmsg": "ok"}
EVERYBODY = (Scope.APP, Scope.CONTACT, Scope.KF)
APP_ONLY = (Scope.APP,)
CONTACT = (Scope.APP, Scope.CONTACT)  # an application may be allowed to call customer contact


@dataclass(slots=True)
class WeComState:
    """The memory of one corporation."""

    corp: WeComCorp
    options: SimulatorOptions
    clock: SimClock
    records: Records
    tokens: Tokens
    limits: Limits
    directory: Directory
    relations: Relations
    media: MediaStore
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def admit(self, call: Call, scopes: tuple[Scope, ...] = EVERYBODY) -> None:
        """Check token, address and limits of a call."""
        scope = self.tokens.check(call.query.get("access_token"))
        if not self.options.wecom_trusted:
            raise errcode(60020, "not allow to access from your ip, hint: [simulated], from ip: 127.0.0.1")
        if scope not in scopes:
            raise errcode(48002, "no privilege to access/modify, hint: [simulated]")
        self.limits.spend_call(call.path)

    def read(self, call: Call, kinds: Kinds, *, needed: tuple[str, ...] = (), scopes: tuple[Scope, ...] = EVERYBODY) -> Json:
        """Admit a call and read its JSON body."""
        self.admit(call, scopes)
        fields = read_body(call, self.records, strict_unicode=self.options.strict_unicode)
        check_fields(call.path, fields, kinds, self.records, needed)
        return fields

    def make_id(self, prefix: str) -> str:
        """Make the next identifier of a kind."""
        return f"{prefix}{next(self.numbers):08d}"


def make_state(corp: WeComCorp, options: SimulatorOptions, clock: SimClock, records: Records) -> WeComState:
    """Make the empty memory of a corporation."""
    return WeComState(
        corp,
        options,
        clock,
        records,
        Tokens(corp, options, clock),
        Limits(options, clock),
        Directory(options),
        Relations(clock),
        MediaStore(clock),
    )
