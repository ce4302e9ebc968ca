"""Who the simulated platforms take the product for: credentials and knobs of each platform.

The defaults are made up and fit for a demo; none of them exists on a real platform.
"""

from dataclasses import dataclass
from typing import Literal

PushMode = Literal["plain", "compatible", "safe"]
PushFormat = Literal["xml", "json"]
ReceiveRule = Literal["month", "week", "day"]


@dataclass(slots=True)
class WeChatAccount:
    """An Official Account as its console page shows it."""

    app_id: str = "wxsim0000demo0001a"
    original_id: str = "gh_simdemo00001"
    app_secret: str = "simulated-wechat-secret-0123456789"  # noqa: S105 - made up
    token: str = "simWeChatToken01"  # noqa: S105 - made up
    aes_key: str = "c2ltdWxhdGVkV2VDaGF0QWNjb3VudEFlc0tleTAwMDE"
    mode: PushMode = "safe"
    format: PushFormat = "xml"
    service: bool = True  # a service account; False is a subscription account


@dataclass(slots=True)
class DingTalkApp:
    """An internal DingTalk application with a robot."""

    client_id: str = "dingsimdemo0001app"
    client_secret: str = "simulated-dingtalk-secret-0123456789"  # noqa: S105 - made up
    robot_code: str = "dingsimdemo0001app"
    corp_id: str = "dingsimcorp0001"
    event_token: str = "simDingToken01"  # noqa: S105 - made up
    event_aes_key: str = "c2ltdWxhdGVkRGluZ1RhbGtFdmVudEFlc0tleTAwMDE"


@dataclass(slots=True)
class WeComCorp:
    """A WeCom corporation: one application, customer contact, and one customer-service account (微信客服)."""

    corp_id: str = "wwsim0000demo0001a"
    agent_id: int = 1_000_002
    secret: str = "simulated-wecom-app-secret-0123456789ABCDEF"  # noqa: S105 - made up
    contact_secret: str = "simulated-wecom-contact-secret-0123456789AB"  # noqa: S105 - made up
    token: str = "simWeComToken01"  # noqa: S105 - made up
    aes_key: str = "c2ltdWxhdGVkV2VDb21BcHBFbmNvZGluZ0Flc0tleTE"
    kf_secret: str = "simulated-wecom-kf-secret-0123456789ABCDEFG"  # noqa: S105 - made up
    kf_token: str = "simWeComKfToken01"  # noqa: S105 - made up
    kf_aes_key: str = "c2ltdWxhdGVkV2VDb21LZkVuY29kaW5nQWVzS2V5MDE"
    open_kfid: str = "wkSimDemoKf000000000000001"


@dataclass(slots=True)
class SimulatorOptions:
    """How the platforms behave; every field may be changed while they run."""

    counting_only: bool = False  # keep only numbers per person: for loads of a million sends
    calls_kept: int = 50_000  # recorded API calls, the oldest fall out
    push_timeout_seconds: float = 5.0  # the platform repeats a message after this time
    push_attempts: int = 3
    event_timeout_seconds: float = 1.5  # DingTalk's event subscription, older page
    result_events: bool = True  # TEMPLATESENDJOBFINISH and MASSSENDJOBFINISH after a send
    strict_unicode: bool = True  # answer 40033 to a body with \uXXXX; recorded as a complaint in any case
    token_seconds: int = 7200
    classic_grace_seconds: float = 0.0  # how long the previous token of the old endpoint still lives
    session_webhook_seconds: float = 90 * 60
    dingtalk_qps: int | None = 20  # calls a second for one API; None switches the limit off
    dingtalk_monthly_calls: int | None = None  # None counts without a limit
    dingtalk_unknown_staff: bool = False  # True: everybody is an employee, for loads
    invalid_token_status: int = 400  # HTTP status of DingTalk's InvalidAuthentication: 400 or 401
    wecom_trusted: bool = True  # False: the caller's address is not on the list of trusted ones, 60020
    wecom_token_failures: int = 2000  # refused gettoken calls an hour, then 45009
    wecom_base_limits: bool = True  # 10 000 a minute and 150 000 an hour for one API; False for loads
    wecom_accounts: int = 10_000  # the corporation's account limit: 200 times as many messages a day
    wecom_member_per_minute: int | None = 30  # the surplus is dropped without a word; None switches it off
    wecom_member_per_hour: int | None = 1000
    wecom_shows_mobiles: bool = True  # False: the directory hides mobiles, as for newer applications
    wecom_receive_rule: ReceiveRule = "month"  # group sends a customer may receive: days of the month, 7 a week, 1 a day
    wecom_unknown_members: bool = False  # True: everybody is a member, for loads
