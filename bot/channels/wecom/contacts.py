"""What the platform knows of external contacts: names of new ones, and the whole list once a day.

An event tells an id and no name; the name is asked for afterwards. The list of all members' contacts brings those who were
added before this product was, and whatever events were missed.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

import structlog

from bot.channels.wecom.calls import ApiRefused, Calls
from bot.channels.wecom.contact_api import ContactApi
from bot.channels.wecom.outcomes import NO_RELATION
from bot.httpclient import HttpError
from bot.tokens import TokenError
from crm_core.contact_follows import note_checked, unchecked
from crm_core.messages import Address
from crm_core.ports import Core, Program
from handlers.contact_details import Contact, take_contact
from scheduler.queue import Periodic, once_a_day

log = structlog.get_logger(__name__)

_TOGETHER = 50
_AFTER = time(3)
_GONE = frozenset({NO_RELATION, 40096})
_CALL_FAILED = (ApiRefused, TokenError, HttpError)


class Contacts:
    """Keeps accounts and leads of external contacts up to date."""

    def __init__(self, name: str, calls: Calls) -> None:
        self._name = name
        self._api = ContactApi(calls)
        self._rest_until: datetime | None = None

    def periodics(self) -> Sequence[Periodic]:
        """Name the work."""
        return (
            Periodic(f"contact_details:{self._name}", timedelta(seconds=3), self.run, time_limit=timedelta(minutes=5)),
            Periodic(f"contact_list:{self._name}", timedelta(minutes=10), self.sync_daily, time_limit=timedelta(hours=2)),
        )

    async def run(self, core: Core) -> int:
        """Ask about contacts that are new or have changed; tells how many."""
        now = core.clock.now()
        if self._rest_until is not None and now < self._rest_until:
            return 0
        found = await core.db.read(unchecked(self._name, limit=_TOGETHER))
        for external_id in found:
            try:
                told = await self._api.load_contact(external_id)
            except ApiRefused as error:
                if error.errcode in _GONE:
                    await core.db.run(note_checked(core, self._name, external_id))
                    continue
                self._rest(core, error)
                break
            except (TokenError, HttpError) as error:
                self._rest(core, error)
                break
            contact = told.get("external_contact") or {}
            await core.db.run(self._take_all(core, [{**contact, "external_userid": external_id}], [told["follow_user"]]))
        return len(found)

    def _rest(self, core: Core, error: Exception) -> None:
        log.warning("contact_details_failed", channel=self._name, why=type(error).__name__)
        self._rest_until = core.clock.now() + timedelta(minutes=1)

    async def sync_daily(self, core: Core) -> None:
        """Walk the whole list once a day; a walk that fails is made again at the next time."""
        try:
            await once_a_day(core, f"contact_list:{self._name}", _AFTER, partial(self.sync, core))
        except _CALL_FAILED as error:
            log.warning("contact_list_failed", channel=self._name, why=type(error).__name__)

    async def sync(self, core: Core) -> int:
        """Bring every member's contacts in; tells how many were seen. Safe to repeat."""
        count = 0
        async for page in self._api.walk_contacts(await self._api.list_members()):
            contacts = [item.get("external_contact") or {} for item in page]
            count += await core.db.run(self._take_all(core, contacts, [[item.get("follow_info") or {}] for item in page]))
        return count

    def _take_all(
        self, core: Core, contacts: Sequence[Mapping[str, Any]], follows: Sequence[Sequence[Mapping[str, Any]]]
    ) -> Program[int]:
        """Keep one page of contacts in one transaction; tells how many there were."""
        count = 0
        for contact, had_by in zip(contacts, follows, strict=True):
            external_id = str(contact.get("external_userid") or "")
            if external_id:
                count += 1
                yield from take_contact(core, _contact(Address(self._name, external_id), contact, had_by))
                yield from note_checked(core, self._name, external_id, _remarks(had_by))
        return count


def _contact(address: Address, told: Mapping[str, Any], follows: Sequence[Mapping[str, Any]]) -> Contact:
    return Contact(
        address=address,
        name=str(told.get("name") or ""),
        company=str(told.get("corp_full_name") or told.get("corp_name") or ""),
        title=str(told.get("position") or ""),
        follows=tuple(
            (str(one.get("userid") or ""), _at(one.get("createtime")), str(one.get("state") or "")) for one in follows
        ),
    )


def _at(value: object) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and 0 < value < 253_402_300_799 else None


def _remarks(follows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    found = {}
    for each in follows:
        tags = each.get("tag_id") or [tag.get("tag_id") for tag in each.get("tags") or [] if isinstance(tag, dict)]
        words = json.dumps([str(tag) for tag in tags if tag], ensure_ascii=False)
        found[str(each.get("userid") or "")] = (str(each.get("remark") or ""), words)
    return found
