"""Lists who follows the account, page by page, and makes accounts and leads of whoever we do not know.

The place in the list is kept in the database with the rows of each page, so that a run that was stopped goes on there.
No more calls are made than the day's quota leaves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot.channels.wechat_oa.api import USERS_PAGE, ApiRefused, WechatApi
from crm_core import followers
from crm_core.followers import Listing, Taken, Told
from crm_core.ports import Core

log = structlog.get_logger(__name__)

HOLD = timedelta(seconds=25)
"""How long a page may take before another run may go on in its place: two calls of 10 s and a little."""
LIST_PATH, DETAILS_PATH = "/cgi-bin/user/get", "/cgi-bin/user/info/batchget"
_QUOTA_CODES = frozenset({45009, 45011})
_SLACK_SHARE, _SLACK = 0.01, 10
"""How far the list may fall short of the platform's own total before nobody is taken for gone: people come and go meanwhile."""

Progress = Callable[[int, int], None]
"""Told (people so far, people in all) after every page."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did."""

    seen: int = 0
    total: int = 0
    taken: Taken = field(default_factory=Taken)
    left: int = 0
    finished: bool = False
    held: bool = False
    """Another run is under way; this one did nothing."""
    out_of_quota: bool = False
    incomplete: bool = False
    """The list was shorter than the platform says: nobody was taken for gone."""

    def sentence(self) -> str:
        """Say it in Chinese."""
        if self.held:
            return "另一个同步正在进行，请稍后再试"
        taken = self.taken
        told = f"关注者 {self.seen}/{self.total} 人：新账号 {taken.new_accounts}，新线索 {taken.new_leads}，"
        told += f"重新关注 {taken.returned}，资料变化 {taken.changed}，取消关注 {self.left}"
        if self.out_of_quota:
            return f"{told}。调用次数不够，下次从这里继续"
        if self.incomplete:
            return f"{told}。名单比平台总数少，本次不标记取消关注"
        return told


class _NoQuota(Exception):
    """The day's calls are used up."""


class _Calls:
    """Counts our calls against what the day leaves."""

    def __init__(self, left: Mapping[str, int]) -> None:
        self._left = dict(left)

    def spend(self, path: str) -> None:
        """Take one call. Raises: _NoQuota."""
        if self._left[path] < 1:
            raise _NoQuota
        self._left[path] -= 1


async def sync(core: Core, channel: str, api: WechatApi, progress: Progress | None = None) -> Summary:
    """Go through the whole list once, or on from where the last run stopped.

    Raises: ApiRefused, TokenError, NotSent, Unanswered; what was taken so far stays, and the next run goes on there.
    """
    name = f"followers:{channel}"
    listing = await core.db.run(followers.hold_listing(name, core.clock.now(), HOLD))
    if listing is None:
        return Summary(held=True)
    try:
        calls = _Calls({path: (await api.load_quota(path))["remain"] for path in (LIST_PATH, DETAILS_PATH)})
        return await _Run(core, channel, api, calls, progress).through(listing)
    finally:
        await core.db.run(followers.release_listing(name))


class _Run:
    """One run through the list."""

    def __init__(self, core: Core, channel: str, api: WechatApi, calls: _Calls, progress: Progress | None) -> None:
        self._core = core
        self._channel = channel
        self._api = api
        self._calls = calls
        self._progress = progress
        self._summary = Summary()

    async def through(self, listing: Listing) -> Summary:
        self._summary = replace(self._summary, seen=listing.seen_count)
        cursor = listing.cursor
        try:
            while True:
                self._calls.spend(LIST_PATH)
                openids, total = await self._api.load_followers(cursor)
                self._summary = replace(self._summary, total=total)
                if not openids:
                    break
                for first in range(0, len(openids), USERS_PAGE):
                    await self._take(openids[first : first + USERS_PAGE], listing)
                cursor = openids[-1]
        except _NoQuota:
            return replace(self._summary, out_of_quota=True)
        except ApiRefused as error:
            if error.errcode not in _QUOTA_CODES:
                raise
            return replace(self._summary, out_of_quota=True)
        return await self._end(listing)

    async def _take(self, openids: list[str], listing: Listing) -> None:
        self._calls.spend(DETAILS_PATH)
        people = [told for row in await self._api.load_users(openids) if (told := read_follower(row)) is not None]
        taken = await self._core.db.run(
            followers.take_page(self._core, self._channel, people, listing, cursor=openids[-1], lasts=HOLD)
        )
        before = self._summary.taken
        together = Taken(
            before.new_accounts + taken.new_accounts,
            before.new_leads + taken.new_leads,
            before.returned + taken.returned,
            before.changed + taken.changed,
        )
        self._summary = replace(self._summary, seen=self._summary.seen + len(people), taken=together)
        if self._progress:
            self._progress(self._summary.seen, max(self._summary.total, self._summary.seen))

    async def _end(self, listing: Listing) -> Summary:
        now = self._core.clock.now()
        short = self._summary.total - self._summary.seen
        incomplete = short > max(_SLACK, int(self._summary.total * _SLACK_SHARE))
        left = 0
        while not incomplete and (
            page := await self._core.db.run(followers.note_leavers(self._channel, listing.started_at, now))
        ):
            left += page
        await self._core.db.run(followers.finish_listing(listing.name, now))
        summary = replace(self._summary, left=left, finished=True, incomplete=incomplete)
        log.info("followers_listed", channel=self._channel, seen=summary.seen, new=summary.taken.new_accounts, left=left)
        return summary


def read_follower(row: Mapping[str, Any]) -> Told | None:
    """Read what the platform tells of a person; None for one who does not follow (any more)."""
    openid = str(row.get("openid") or "")
    if not openid or not row.get("subscribe"):
        return None
    seconds, number = row.get("subscribe_time"), row.get("qr_scene")
    tags = row.get("tagid_list")
    return Told(
        openid=openid,
        unionid=str(row.get("unionid") or ""),
        subscribed_at=datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and seconds > 0 else None,
        remark=str(row.get("remark") or ""),
        tag_ids=tuple(each for each in tags if isinstance(each, int)) if isinstance(tags, list) else (),
        subscribe_scene=str(row.get("subscribe_scene") or ""),
        qr_scene=str(row.get("qr_scene_str") or (number if number else "")),
        language=str(row.get("language") or ""),
    )
