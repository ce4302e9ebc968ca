"""The calls of customer contact (客户联系): contacts, remarks, tags, contact ways, group-send tasks.

Each raises ApiRefused, TokenError, NotSent or Unanswered. Paths and forms: pages of the platform, protocols.md section 3.4.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.channels.wecom.calls import Calls
from bot.cutting import cut_text

MEMBERS_PAGE = 100
CONTACTS_PAGE = 100
GROUP_SEND_BYTES = 4000
STATE_CHARACTERS = 30
_PAGES = 1_000
"""Pages of one list at most: a platform that gives the same cursor for ever must not hold us."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one person of a group-send task: 0 not sent, 1 sent, 2 not a friend, 3 has received enough."""

    external_id: str
    status: int
    at: datetime | None


class ContactApi:
    """Customer contact of one corporation."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def list_members(self) -> list[str]:
        """List the members who may have external contacts."""
        told = await self._get("get_follow_user_list")
        return _words(told.get("follow_user"))

    async def list_contacts(self, user_id: str) -> list[str]:
        """List the external contacts of a member."""
        return _words((await self._get("list", userid=user_id)).get("external_userid"))

    async def load_contact(self, external_id: str) -> dict[str, Any]:
        """Give an external contact with everybody who has them; more than 500 of these come in pages."""
        found: dict[str, Any] = {}
        follows: list[Any] = []
        cursor = ""
        for _ in range(_PAGES):
            told = await self._get("get", external_userid=external_id, **({"cursor": cursor} if cursor else {}))
            found = found or told
            follows += told.get("follow_user") or []
            cursor = str(told.get("next_cursor") or "")
            if not cursor:
                break
        return {**found, "follow_user": follows}

    async def walk_contacts(self, user_ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
        """Give the external contacts of members with details, page by page."""
        for start in range(0, len(user_ids), MEMBERS_PAGE):
            cursor = ""
            for _ in range(_PAGES):
                payload = {
                    "userid_list": list(user_ids[start : start + MEMBERS_PAGE]),
                    "cursor": cursor,
                    "limit": CONTACTS_PAGE,
                }
                told = await self._post("batch/get_by_user", payload)
                page = [item for item in told.get("external_contact_list") or [] if isinstance(item, dict)]
                if page:
                    yield page
                cursor = str(told.get("next_cursor") or "")
                if not cursor:
                    break

    async def set_remark(
        self,
        user_id: str,
        external_id: str,
        *,
        remark: str = "",
        description: str = "",
        company: str = "",
        mobiles: Sequence[str] = (),
    ) -> None:
        """Write what a member noted about a contact; empty words are left as they are."""
        words = {"remark": remark, "description": description, "remark_company": company}
        payload: dict[str, object] = {"userid": user_id, "external_userid": external_id}
        payload |= {name: word for name, word in words.items() if word}
        if mobiles:
            payload["remark_mobiles"] = list(mobiles)
        await self._post("remark", payload)

    async def mark_tags(self, user_id: str, external_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Put corporation tags on a contact and take others off."""
        payload: dict[str, object] = {"userid": user_id, "external_userid": external_id}
        payload |= {name: list(tags) for name, tags in (("add_tag", add), ("remove_tag", remove)) if tags}
        await self._post("mark_tag", payload)

    async def list_tags(self) -> list[dict[str, Any]]:
        """Give the corporation's tag groups with their tags."""
        return list((await self._post("get_corp_tag_list", {})).get("tag_group") or [])

    async def add_tags(self, group: str, names: Sequence[str]) -> dict[str, Any]:
        """Make tags in a group, which is made if there is none of this name."""
        payload = {"group_name": group, "tag": [{"name": name} for name in names]}
        return dict((await self._post("add_corp_tag", payload)).get("tag_group") or {})

    async def edit_tag(self, tag_id: str, name: str) -> None:
        """Give a tag or group another name."""
        await self._post("edit_corp_tag", {"id": tag_id, "name": name})

    async def delete_tags(self, *, tags: Sequence[str] = (), groups: Sequence[str] = ()) -> None:
        """Delete tags, or groups with all their tags."""
        await self._post("del_corp_tag", {"tag_id": list(tags), "group_id": list(groups)})

    async def add_contact_way(self, user_ids: Sequence[str], *, state: str, remark: str = "") -> tuple[str, str]:
        """Make a code (「联系我」) with which people add one of these members; gives config_id and picture address."""
        payload = {
            "type": 1 if len(user_ids) == 1 else 2,
            "scene": 2,
            "state": state[:STATE_CHARACTERS],
            "remark": remark[:STATE_CHARACTERS],
            "user": list(user_ids),
            "skip_verify": True,
        }
        told = await self._post("add_contact_way", payload)
        return str(told.get("config_id") or ""), str(told.get("qr_code") or "")

    async def load_contact_way(self, config_id: str) -> dict[str, Any]:
        """Give a contact way as the platform has it."""
        return dict((await self._post("get_contact_way", {"config_id": config_id})).get("contact_way") or {})

    async def list_contact_ways(self, start: datetime, end: datetime) -> list[str]:
        """List the contact ways made by API within a time (at most 90 days)."""
        found: list[str] = []
        cursor = ""
        for _ in range(_PAGES):
            payload = {"start_time": int(start.timestamp()), "end_time": int(end.timestamp()), "cursor": cursor, "limit": 1000}
            told = await self._post("list_contact_way", payload)
            found += [str(item.get("config_id")) for item in told.get("contact_way") or [] if isinstance(item, dict)]
            cursor = str(told.get("next_cursor") or "")
            if not cursor:
                break
        return found

    async def update_contact_way(self, config_id: str, *, user_ids: Sequence[str] = (), state: str = "") -> None:
        """Change who is added by a contact way, or its state."""
        payload: dict[str, object] = {"config_id": config_id}
        payload |= {"user": list(user_ids)} if user_ids else {}
        payload |= {"state": state[:STATE_CHARACTERS]} if state else {}
        await self._post("update_contact_way", payload)

    async def delete_contact_way(self, config_id: str) -> None:
        """Delete a contact way: its code adds nobody any more."""
        await self._post("del_contact_way", {"config_id": config_id})

    async def list_groups(self, *, owners: Sequence[str] = ()) -> list[str]:
        """List the customer groups (客户群), of some members if named."""
        payload: dict[str, object] = {"status_filter": 0, "limit": 1000}
        payload |= {"owner_filter": {"userid_list": list(owners)}} if owners else {}
        return [str(item.get("chat_id")) for item in await self._all("groupchat/list", payload, "group_chat_list")]

    async def load_group(self, chat_id: str) -> dict[str, Any]:
        """Give a customer group with its members and their names."""
        return dict((await self._post("groupchat/get", {"chat_id": chat_id, "need_name": 1})).get("group_chat") or {})

    @staticmethod
    def group_send(sender: str, external_ids: Sequence[str], text: str) -> dict[str, object]:
        """Write the request for a task: a member is to send this to these contacts."""
        return {
            "chat_type": "single",
            "external_userid": list(external_ids),
            "sender": sender,
            "text": {"content": cut_text(text, GROUP_SEND_BYTES)},
        }

    async def remind_group_send(self, external_id: str) -> None:
        """Remind the members of a task they have not confirmed; 3 times a day at most."""
        await self._post("remind_groupmsg_send", {"msgid": external_id})

    async def cancel_group_send(self, external_id: str) -> None:
        """Take a task back from those who have not confirmed it."""
        await self._post("cancel_groupmsg_send", {"msgid": external_id})

    async def list_confirmed(self, external_id: str) -> list[str]:
        """List the members who confirmed a task."""
        items = await self._all("get_groupmsg_task", {"msgid": external_id, "limit": 1000}, "task_list")
        return [str(item.get("userid")) for item in items if item.get("status") == 2]

    async def list_results(self, external_id: str, user_id: str) -> list[SendResult]:
        """List what became of the people of a task."""
        payload = {"msgid": external_id, "userid": user_id, "limit": 1000}
        return [_result(item) for item in await self._all("get_groupmsg_send_result", payload, "send_list")]

    async def _all(self, path: str, payload: dict[str, object], field: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        for _ in range(_PAGES):
            told = await self._post(path, {**payload, **({"cursor": cursor} if cursor else {})})
            found += [item for item in told.get(field) or [] if isinstance(item, dict)]
            cursor = str(told.get("next_cursor") or "")
            if not cursor:
                break
        return found

    async def _get(self, path: str, **params: str) -> dict[str, Any]:
        return await self._calls.ask("get", f"externalcontact/{path}", params=params)

    async def _post(self, path: str, payload: object) -> dict[str, Any]:
        return await self._calls.ask("post", f"externalcontact/{path}", payload=payload)


def _words(value: object) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else []


def _result(item: dict[str, Any]) -> SendResult:
    at, status = item.get("send_time"), item.get("status")
    moment = datetime.fromtimestamp(at, UTC) if isinstance(at, int) and 0 < at < 253_402_300_799 else None
    return SendResult(str(item.get("external_userid") or ""), status if isinstance(status, int) else 0, moment)
