"""What the parts of the simulated DingTalk share: people, groups, sessions, tokens."""

import secrets
from dataclasses import dataclass, field

from bot.simulator.accounts import DingTalkApp, SimulatorOptions
from bot.simulator.calls import Call, code, errcode, read_object
from bot.simulator.clock import SimClock
from bot.simulator.dingtalk.limits import Limits
from bot.simulator.records import Json, Records

PLATFORM = "dingtalk"
TOKEN_SECONDS = 7200
TOKEN_HEADER = "x-acs-dingtalk-access-token"  # noqa: S105 - the header's name


@dataclass(slots=True)
class Staff:
    """One person of the organisation, or an outsider in a group."""

    staff_id: str
    nick: str
    is_admin: bool = False
    outsider: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """Where a sessionWebhook leads, and until when."""

    conversation_id: str
    person: str
    is_group: bool
    ends_at: float


@dataclass(slots=True)
class DingTalkState:
    """The memory of one organisation with one application."""

    app: DingTalkApp
    options: SimulatorOptions
    clock: SimClock
    records: Records
    limits: Limits
    staff: dict[str, Staff] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)  # conversation id to title
    sessions: dict[str, Session] = field(default_factory=dict)
    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)  # download code to bytes and type
    flow_controlled: set[str] = field(default_factory=set)  # people whose next messages are throttled
    token: str = ""
    token_ends_at: float = 0.0
    base_url: str = ""

    def give_token(self, client_id: str, client_secret: str) -> str | None:
        """Give the token, the same one while it is good, and extend it; None for wrong credentials."""
        if (client_id, client_secret) != (self.app.client_id, self.app.client_secret):
            return None
        now = self.clock.seconds()
        if not self.token or self.token_ends_at <= now:
            self.token = secrets.token_hex(16)
        self.token_ends_at = now + TOKEN_SECONDS
        return self.token

    def expire_token(self) -> None:
        """End the token now, earlier than promised."""
        self.token_ends_at = 0.0

    def is_good(self, token: str | None) -> bool:
        """Tell whether a token is the current one."""
        return bool(token) and token == self.token and self.clock.seconds() < self.token_ends_at

    def read(self, call: Call) -> Json:
        """Admit a call of the newer API and read its body."""
        if not self.is_good(call.headers.get(TOKEN_HEADER)):
            raise code("InvalidAuthentication", "不合法的access_token", status=self.options.invalid_token_status)
        self.limits.spend(call.path)
        fields = read_object(call.body)
        if fields is None:
            raise code("invalidParameter.body.format", "body is not a JSON object")
        return fields

    def admit_old(self, call: Call) -> None:
        """Admit a call of the older API."""
        if not self.is_good(call.query.get("access_token")):
            raise errcode(40014, "不合法的access_token")
        self.limits.spend(call.path)

    def ensure_staff(self, staff_id: str) -> Staff:
        """Find a person, or let them join the organisation."""
        return self.staff.setdefault(staff_id, Staff(staff_id, f"员工{staff_id}"))

    def keep_file(self, data: bytes, content_type: str) -> str:
        """Keep a file that a person sent; gives its download code."""
        download_code = secrets.token_urlsafe(24)
        self.files[download_code] = (data, content_type)
        return download_code
