"""Calls about the account itself: tokens, users, tags, menu, QR codes, quota."""

import secrets

from bot.simulator.calls import Call, Handler, errcode, read_object
from bot.simulator.records import Json
from bot.simulator.wechat_oa.state import OK, WeChatState

PAGE = 10_000  # openids in one answer of user/get
BATCH = 100  # people in one user/info/batchget
FIRST_TAG = 100
MAX_QR_SECONDS = 2_592_000
QR_KINDS = {
    "QR_SCENE": "scene_id",
    "QR_STR_SCENE": "scene_str",
    "QR_LIMIT_SCENE": "scene_id",
    "QR_LIMIT_STR_SCENE": "scene_str",
}


class AccountApi:
    """Tokens, followers, menu, QR codes, quota."""

    def __init__(self, state: WeChatState) -> None:
        self._state = state
        self.menu: Json | None = None
        self.scenes: dict[str, str] = {}  # ticket to scene
        self.tags: dict[int, str] = {2: "星标组"}

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            "/cgi-bin/token": self.fetch_token,
            "/cgi-bin/stable_token": self.fetch_stable_token,
            "/cgi-bin/user/get": self.list_users,
            "/cgi-bin/user/info": self.show_user,
            "/cgi-bin/user/info/batchget": self.show_users,
            "/cgi-bin/user/info/updateremark": self.set_remark,
            "/cgi-bin/tags/create": self.create_tag,
            "/cgi-bin/tags/get": self.list_tags,
            "/cgi-bin/tags/members/batchtagging": self.tag,
            "/cgi-bin/tags/members/batchuntagging": self.untag,
            "/cgi-bin/menu/create": self.create_menu,
            "/cgi-bin/menu/get": self.show_menu,
            "/cgi-bin/menu/delete": self.delete_menu,
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
        self._state.followers.ensure(fields["openid"]).remark = str(fields.get("remark", ""))
        return OK

    def create_tag(self, call: Call) -> Json:
        """Make a tag."""
        tag = self._state.read(call).get("tag")
        name = tag.get("name") if isinstance(tag, dict) else None
        if not name or len(str(name).encode()) > 30:
            raise errcode(45158, "invalid tag name size rid: simulated")
        if name in self.tags.values():
            raise errcode(45157, "invalid tag name, already exists rid: simulated")
        number = max(FIRST_TAG - 1, *self.tags) + 1
        self.tags[number] = str(name)
        return {"tag": {"id": number, "name": name}}

    def list_tags(self, call: Call) -> Json:
        """List the tags with their number of followers."""
        self._state.admit(call)
        followers = self._state.followers
        rows = [{"id": key, "name": name, "count": len(followers.tagged(key))} for key, name in self.tags.items()]
        return {"tags": rows}

    def tag(self, call: Call) -> Json:
        """Put a tag on people."""
        number, openids = self._read_tagging(call)
        for openid in openids:
            self._state.followers.ensure(openid).tag_ids.add(number)
        return OK

    def untag(self, call: Call) -> Json:
        """Take a tag off people."""
        number, openids = self._read_tagging(call)
        for openid in openids:
            self._state.followers.ensure(openid).tag_ids.discard(number)
        return OK

    def create_menu(self, call: Call) -> Json:
        """Replace the menu."""
        fields = self._state.read(call)
        buttons = fields.get("button")
        if not isinstance(buttons, list) or not 0 < len(buttons) <= 3:
            raise errcode(40017, "invalid button size rid: simulated")
        if any(len(button.get("sub_button", [])) > 5 for button in buttons):
            raise errcode(40023, "invalid sub button size rid: simulated")
        self.menu = {"button": buttons}
        return OK

    def show_menu(self, call: Call) -> Json:
        """Show the menu."""
        self._state.admit(call)
        if self.menu is None:
            raise errcode(46003, "menu no exist rid: simulated")
        return {"menu": self.menu}

    def delete_menu(self, call: Call) -> Json:
        """Delete the menu."""
        self._state.admit(call)
        self.menu = None
        return OK

    def create_qr_code(self, call: Call) -> Json:
        """Make a QR code with a scene; its ticket is known to `scenes`."""
        fields = self._state.read(call)
        self._state.need_service_account()
        kind = str(fields.get("action_name", ""))
        info = fields.get("action_info")
        scene = info.get("scene", {}).get(QR_KINDS.get(kind, "")) if isinstance(info, dict) else None
        if kind not in QR_KINDS or not scene or len(str(scene)) > 64:
            raise errcode(40053, "invalid action info rid: simulated")
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
        """Give all quotas back."""
        self._state.tokens.check(call.query.get("access_token"))
        self._state.quotas.reset()
        return OK

    def _read_tagging(self, call: Call) -> tuple[int, list[str]]:
        fields = self._state.read(call)
        number, openids = fields.get("tagid"), fields.get("openid_list")
        if number not in self.tags:
            raise errcode(45159, "invalid tag rid: simulated")
        if not isinstance(openids, list) or not 0 < len(openids) <= 50:
            raise errcode(40032, "invalid openid list size rid: simulated")
        if not all(self._state.followers.is_known(str(openid)) for openid in openids):
            raise errcode(40003, "invalid openid rid: simulated")
        return int(number), openids

    def _describe(self, openid: str) -> Json:
        followers = self._state.followers
        if not followers.is_known(openid):
            raise errcode(40003, "invalid openid rid: simulated")
        person = followers.find(openid)
        return person.describe() if person else {"subscribe": 1, "openid": openid, "tagid_list": []}
