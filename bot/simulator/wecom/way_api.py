"""Contact ways (联系我): QR codes and buttons that add a customer to members, with a state of the product's own.

Source: protocols.md section 3.4.
"""

import secrets
from typing import Any

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.directory import ACTIVE
from bot.simulator.wecom.shapes import FLAG, bad_parameter, page_of, read_limit
from bot.simulator.wecom.state import CONTACT, OK, PREFIX, WeComState

SINGLE, MULTIPLE = 1, 2
BUTTON, QR_CODE = 1, 2
STATE_CHARACTERS = 30
MOST_WAYS = 500_000
MOST_USERS = 100
WAY_KINDS: dict[str, type | tuple[type, ...]] = {
    "type": int,
    "scene": int,
    "style": int,
    "remark": str,
    "skip_verify": FLAG,
    "state": str,
    "user": list,
    "party": list,
    "is_temp": FLAG,
    "expires_in": int,
    "chat_expires_in": int,
    "unionid": str,
    "is_exclusive": FLAG,
    "conclusions": dict,
}


class WayApi:
    """The calls about contact ways."""

    def __init__(self, state: WeComState) -> None:
        self._state = state
        self.ways: dict[str, Json] = {}

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            f"{PREFIX}/externalcontact/add_contact_way": self.add,
            f"{PREFIX}/externalcontact/get_contact_way": self.show,
            f"{PREFIX}/externalcontact/list_contact_way": self.list_ids,
            f"{PREFIX}/externalcontact/update_contact_way": self.update,
            f"{PREFIX}/externalcontact/del_contact_way": self.delete,
        }

    def add(self, call: Call) -> Json:
        """Make a contact way; its config_id cannot be found out later."""
        fields = self._state.read(call, WAY_KINDS, needed=("type", "scene"), scopes=CONTACT)
        self._check(fields)
        if len(self.ways) >= MOST_WAYS:
            raise errcode(41045, "contact way count out of limit, hint: [simulated]")
        config_id = secrets.token_hex(16)
        way: Json = {"config_id": config_id, "skip_verify": True, "create_time": int(self._state.clock.seconds()), **fields}
        if int(fields["scene"]) == QR_CODE:
            way["qr_code"] = f"https://wework.qpic.cn/wwpic/sim_{config_id}/0"
        self.ways[config_id] = way
        answer: Json = {**OK, "config_id": config_id}
        return answer | {"qr_code": way["qr_code"]} if "qr_code" in way else answer

    def show(self, call: Call) -> Json:
        """Describe a contact way."""
        fields = self._state.read(call, {"config_id": str}, needed=("config_id",), scopes=CONTACT)
        way = self.load(fields["config_id"])
        return {**OK, "contact_way": {name: value for name, value in way.items() if name != "create_time"}}

    def list_ids(self, call: Call) -> Json:
        """List the ways made through the API, page by page."""
        kinds = {"start_time": int, "end_time": int, "cursor": str, "limit": int}
        fields = self._state.read(call, kinds, scopes=CONTACT)
        start, end = int(fields.get("start_time") or 0), int(fields.get("end_time") or self._state.clock.seconds() + 1)
        rows = [{"config_id": key} for key, way in self.ways.items() if start <= way["create_time"] <= end]
        page, cursor = page_of(rows, fields.get("cursor"), read_limit(fields, 1000, 100))
        answer: Json = {**OK, "contact_way": page}
        return answer | {"next_cursor": cursor} if cursor else answer

    def update(self, call: Call) -> Json:
        """Change a contact way; type and scene stay."""
        kinds = {**WAY_KINDS, "config_id": str}
        del kinds["type"], kinds["scene"]
        fields = self._state.read(call, kinds, needed=("config_id",), scopes=CONTACT)
        way = self.load(fields["config_id"])
        changed = way | {name: value for name, value in fields.items() if value is not None}
        self._check(changed)
        way.update(changed)
        return OK

    def delete(self, call: Call) -> Json:
        """Delete a contact way."""
        fields = self._state.read(call, {"config_id": str}, needed=("config_id",), scopes=CONTACT)
        self.load(fields["config_id"])
        del self.ways[fields["config_id"]]
        return OK

    def load(self, config_id: str) -> Json:
        """Find a contact way, or refuse."""
        way = self.ways.get(config_id)
        if way is None:
            raise errcode(41044, "invalid config_id, hint: [simulated]")
        return way

    def _check(self, fields: Json) -> None:
        if int(fields["type"]) not in (SINGLE, MULTIPLE):
            raise errcode(41039, "invalid type, hint: [simulated]")
        if int(fields["scene"]) not in (BUTTON, QR_CODE):
            raise errcode(41040, "invalid scene, hint: [simulated]")
        if len(fields.get("state") or "") > STATE_CHARACTERS:
            raise bad_parameter(f"state is longer than {STATE_CHARACTERS}")
        users: list[Any] = fields.get("user") or []
        if not users and not fields.get("party"):
            raise bad_parameter("user and party are both missing")
        if len(users) > (1 if int(fields["type"]) == SINGLE else MOST_USERS):
            raise errcode(41041, "contact way user count out of limit, hint: [simulated]")
        for userid in users:
            member = self._state.directory.load(userid)
            if member.status != ACTIVE:
                raise errcode(41054, "user not activated, hint: [simulated]")
            if not member.may_contact:
                raise errcode(84074, "no permission of external contact, hint: [simulated]")
