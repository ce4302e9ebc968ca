"""Calls about groups with customers in them (客户群).

Source: protocols.md section 3.4.
"""

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.relations import GroupChat
from bot.simulator.wecom.shapes import bad_parameter, page_of, read_limit
from bot.simulator.wecom.state import CONTACT, OK, PREFIX, WeComState

MEMBER, CUSTOMER = 1, 2
STATUSES = range(4)
OWNERS = 100


class GroupChatApi:
    """The calls under /cgi-bin/externalcontact/groupchat."""

    def __init__(self, state: WeComState) -> None:
        self._state = state

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            f"{PREFIX}/externalcontact/groupchat/list": self.list_groups,
            f"{PREFIX}/externalcontact/groupchat/get": self.show,
        }

    def list_groups(self, call: Call) -> Json:
        """List the groups of all or some owners, page by page."""
        kinds = {"status_filter": int, "owner_filter": dict, "cursor": str, "limit": int}
        fields = self._state.read(call, kinds, needed=("limit",), scopes=CONTACT)
        status = int(fields.get("status_filter") or 0)
        if status not in STATUSES:
            raise bad_parameter("invalid status_filter")
        owners = (fields.get("owner_filter") or {}).get("userid_list") or []
        if len(owners) > OWNERS:
            raise errcode(40032, "invalid userid list size, hint: [simulated]")
        wanted = {self._state.directory.load(userid).userid for userid in owners}
        rows = [
            {"chat_id": group.chat_id, "status": group.status}
            for group in self._state.relations.groups.values()
            if not group.dismissed and (not wanted or group.owner in wanted) and status in (0, group.status)
        ]
        page, cursor = page_of(rows, fields.get("cursor"), read_limit(fields, 1000, 100))
        answer: Json = {**OK, "group_chat_list": page}
        return answer | {"next_cursor": cursor} if cursor else answer

    def show(self, call: Call) -> Json:
        """Describe one group with its people."""
        fields = self._state.read(call, {"chat_id": str, "need_name": int}, needed=("chat_id",), scopes=CONTACT)
        group = self._state.relations.load_group(fields["chat_id"])
        named = str(fields.get("need_name") or 0) == "1"
        people = [self._describe_person(group, key, with_name=named) for key in group.people]
        return {
            **OK,
            "group_chat": {
                "chat_id": group.chat_id,
                "name": group.name,
                "owner": group.owner,
                "create_time": group.created_at,
                "notice": group.notice,
                "member_list": people,
                "admin_list": [{"userid": userid} for userid in group.admins],
                "member_version": group.member_version,
            },
        }

    def _describe_person(self, group: GroupChat, key: str, *, with_name: bool) -> Json:
        member, external = self._state.directory.find(key), self._state.relations.find_external(key)
        person: Json = {
            "userid": key,
            "type": CUSTOMER if external is not None else MEMBER,
            "join_time": group.people[key],
            "join_scene": group.joined_by.get(key, 1),
            "invitor": {"userid": group.owner},
            "group_nickname": "",
        }
        if external is not None and external.unionid:
            person["unionid"] = external.unionid
        found = external or member
        return person | {"name": found.name} if with_name and found is not None else person
