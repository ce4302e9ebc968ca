"""Calls about the account itself: tokens, users, QR codes, quota."""

import secrets

from bot.simulator.calls import Call, Handler, errcode, read_object
from bot.simulator.records import Json
from bot.simulator.wechat_oa.state import OK, WeChatState

PAGE = 10_000  # openids in one answer of user/get
BATCH = 100  # people in one user/info/batchget
PERMANENT_CODES = 100_000
PERMANENT_SCENE_IDS = 100_000
SCENE_LENGTH = 64
REMARK_LENGTH = 30
CLEARINGS_PER_MONTH = 10
MAX_QR_SECONDS = 2_592_000
QR_KINDS = {
    "QR_SCENE": "scene_id",
    "QR_STR_SCENE": "scene_str",
    "QR_LIMIT_SCENE": "scene_id",
    "QR_LIMIT_STR_SCENE": "scene_str",
}


class AccountApi:
    """Tokens, followers, QR codes, quota."""

    def __init__(self, state: WeChatState) -> None:
        self._state = state
        self.scenes: dict[str, str] = {}  # ticket to scene
        self.permanent_scenes: set[str] = set()
        self.most_permanent = PERMANENT_CODES
        self._clearings: list[str] = []  # the month of each clear_quota

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            "/cgi-bin/token": self.fetch_token,
            "/cgi-bin/stable_token": self.fetch_stable_token,
            "/cgi-bin/user/get": self.list_users,
            "/cgi-bin/user/info": self.show_user,
            "/cgi-bin/user/info/batchget": self.show_users,
            "/cgi-bin/user/info/updateremark": self.set_remark,
            "/cgi-bin/qrcode/create": self.create_qr_code,
            "/cgi-bin/openapi/quota/get": self.show_quota,
            "/cgi-bin/clear_quota": self.clear_quota,
        }

    def fetch_token(self, call: Call) -> Json:
        """Give a classic token."""
        if call.query.get("grant_type") != "client_credential":
            raise errcode(40002, "invalid grant_type rid: simulated")
        self._state.quotas.spend(call.path)
        return self._state.tokens.fetch_classic(call.query.get("appid", ""), call.query.get("secret", ""))

    def fetch_stable_token(self, call: Call) -> Json:
        """Give the stable token."""
        fields = read_object(call.body)
        if call.method != "POST" or fields is None:
            raise errcode(47001, "data format error rid: simulated")
        if fields.get("grant_type") != "client_credential":
            raise errcode(40002, "invalid grant_type rid: simulated")
        self._state.quotas.spend(call.path)
        force = fields.get("force_refresh") is True
        return self._state.tokens.fetch_stable(str(fields.get("appid")), str(fields.get("secret")), force=force)

    def list_users(self, call: Call) -> Json:
        """List followers page by page."""
        self._state.admit(call)
        followers = self._state.followers
        openids = followers.page(call.query.get("next_openid", ""), PAGE)
        answer: Json = {"total": followers.count_subscribed(), "count": len(openids)}
        if openids:
            answer["data"] = {"openid": openids}
        return {**answer, "next_openid": openids[-1] if openids else ""}

    def show_user(self, call: Call) -> Json:
        """Describe one person."""
        self._state.admit(call)
        return self._describe(call.query.get("openid", ""))

    def show_users(self, call: Call) -> Json:
        """Describe up to a hundred people."""
        rows = self._state.read(call).get("user_list")
        if not isinstance(rows, list) or not 0 < len(rows) <= BATCH:
            raise errcode(40032, "invalid openid list size rid: simulated")
        return {"user_info_list": [self._describe(str(row.get("openid", ""))) for row in rows]}

    def set_remark(self, call: Call) -> Json:
        """Write a remark on a person."""
        fields = self._state.read(call)
        self._describe(str(fields.get("openid")))
        if len(str(fields.get("remark", ""))) > REMARK_LENGTH:
            self._state.records.complain(call.path, f"a remark of more than {REMARK_LENGTH} characters")
        self._state.followers.ensure(fields["openid"]).remark = str(fields.get("remark", ""))
        return OK

    def create_qr_code(self, call: Call) -> Json:
        """Make a QR code with a scene; its ticket is known to `scenes`."""
        fields = self._state.read(call)
        self._state.need_service_account()
        kind = str(fields.get("action_name", ""))
        info = fields.get("action_info")
        scene = info.get("scene", {}).get(QR_KINDS.get(kind, "")) if isinstance(info, dict) else None
        if kind not in QR_KINDS or not scene or not _is_scene(kind, scene):
            raise errcode(40053, "invalid action info rid: simulated")
        if "LIMIT" in kind:
            if str(scene) not in self.permanent_scenes and len(self.permanent_scenes) >= self.most_permanent:
                raise errcode(45029, "qrcode count out of limit rid: simulated")
            self.permanent_scenes.add(str(scene))
        elif int(fields.get("expire_seconds", 60)) > MAX_QR_SECONDS:
            self._state.records.complain(call.path, f"expire_seconds above {MAX_QR_SECONDS}")
        ticket = f"gQSim{secrets.token_urlsafe(48)}=="
        self.scenes[ticket] = str(scene)
        answer: Json = {"ticket": ticket, "url": f"http://weixin.qq.com/q/{secrets.token_urlsafe(16)}"}
        if "LIMIT" not in kind:
            answer["expire_seconds"] = min(int(fields.get("expire_seconds", 60)), MAX_QR_SECONDS)
        return answer

    def show_quota(self, call: Call) -> Json:
        """Tell the quota of a path; asking costs nothing."""
        self._state.tokens.check(call.query.get("access_token"))
        path = str((read_object(call.body) or {}).get("cgi_path", ""))
        if not path.startswith("/"):
            raise errcode(76021, "cgi_path not found rid: simulated")
        return {**OK, "quota": self._state.quotas.describe(path)}

    def clear_quota(self, call: Call) -> Json:
        """Give all quotas back, ten times a month."""
        self._state.tokens.check(call.query.get("access_token"))
        if (read_object(call.body) or {}).get("appid") != self._state.account.app_id:
            raise errcode(40013, "invalid appid rid: simulated")
        month = self._state.clock.shanghai_month()
        if self._clearings.count(month) >= CLEARINGS_PER_MONTH:
            raise errcode(48006, "forbid to clear quota because of reaching the limit rid: simulated")
        self._clearings.append(month)
        self._state.quotas.reset()
        return OK

    def _describe(self, openid: str) -> Json:
        followers = self._state.followers
        if not followers.is_known(openid):
            raise errcode(40003, "invalid openid rid: simulated")
        person = followers.find(openid)
        return person.describe() if person else {"subscribe": 1, "openid": openid, "tagid_list": []}


def _is_scene(kind: str, scene: object) -> bool:
    if "STR" in kind:
        return isinstance(scene, str) and len(scene) <= SCENE_LENGTH
    return isinstance(scene, int) and (scene <= PERMANENT_SCENE_IDS or "LIMIT" not in kind)
