"""The people of the Official Account: followers with their tags, and a crowd for loads.

A crowd is a million followers who all wrote at one moment, kept as a range of numbers and one
byte each instead of a million objects.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from bot.simulator.calls import errcode
from bot.simulator.clock import SimClock
from bot.simulator.records import Json
from bot.simulator.wechat_oa.windows import HOURS_48_SECONDS

CROWD_DIGITS = 10
CROWD_MESSAGES = 5


@dataclass(slots=True)
class Follower:
    """One person as the account sees them."""

    openid: str
    subscribed: bool = True
    subscribed_at: int = 0
    scene: str = ""
    remark: str = ""
    unionid: str = ""  # only accounts that belong to an open platform tell it
    tag_ids: set[int] = field(default_factory=set)
    blocked: bool = False  # refuses messages: 48002, and a template's "failed:user block"

    def describe(self) -> Json:
        """Give the fields of user/info."""
        if not self.subscribed:
            return {"subscribe": 0, "openid": self.openid}
        return {
            "subscribe": 1,
            "openid": self.openid,
            **({"unionid": self.unionid} if self.unionid else {}),
            "nickname": "",
            "sex": 0,
            "language": "zh_CN",
            "city": "",
            "province": "",
            "country": "",
            "headimgurl": "",
            "subscribe_time": self.subscribed_at,
            "remark": self.remark,
            "groupid": 0,
            "tagid_list": sorted(self.tag_ids),
            "subscribe_scene": "ADD_SCENE_QR_CODE" if self.scene else "ADD_SCENE_SEARCH",
            "qr_scene": int(self.scene) if self.scene.isdecimal() else 0,
            "qr_scene_str": "" if self.scene.isdecimal() else self.scene,
        }


@dataclass(slots=True)
class Crowd:
    """Followers `prefix0000000000` and up, whose 48 hours began together."""

    prefix: str
    count: int
    wrote_at: float
    spent: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.spent = bytearray(self.count)

    def index(self, openid: str) -> int | None:
        """Find a person's number; None for one who does not belong."""
        digits = openid[len(self.prefix) :]
        if not openid.startswith(self.prefix) or len(digits) != CROWD_DIGITS or not digits.isdecimal():
            return None
        number = int(digits)
        return number if number < self.count else None

    def openids(self, start: int = 0) -> Iterator[str]:
        """Walk through the openids."""
        return (f"{self.prefix}{number:0{CROWD_DIGITS}d}" for number in range(start, self.count))


class Followers:
    """Everybody who follows or followed the account."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._people: dict[str, Follower] = {}
        self.crowd: Crowd | None = None

    def add_crowd(self, count: int, prefix: str = "oSimCrowd") -> Crowd:
        """Add a crowd that has just written; there is one at a time."""
        self.crowd = Crowd(prefix, count, self._clock.seconds())
        return self.crowd

    def ensure(self, openid: str) -> Follower:
        """Find a person, or make them a follower without an event."""
        person = self._people.get(openid)
        if person is None:
            person = self._people[openid] = Follower(openid, subscribed_at=int(self._clock.seconds()))
        return person

    def find(self, openid: str) -> Follower | None:
        """Find a person known by name; crowds have none."""
        return self._people.get(openid)

    def is_known(self, openid: str) -> bool:
        """Tell whether an openid belongs to this account."""
        return openid in self._people or (self.crowd is not None and self.crowd.index(openid) is not None)

    def is_subscribed(self, openid: str) -> bool:
        """Tell whether a person follows now."""
        person = self._people.get(openid)
        return person.subscribed if person is not None else self.is_known(openid)

    def spend_crowd(self, openid: str) -> bool:
        """Use one message of a crowd member's window; False for one who is no member."""
        index = None if self.crowd is None else self.crowd.index(openid)
        if self.crowd is None or index is None:
            return False
        if self._clock.seconds() >= self.crowd.wrote_at + HOURS_48_SECONDS:
            raise errcode(45015, "response out of time limit or subscription is canceled rid: simulated")
        if self.crowd.spent[index] >= CROWD_MESSAGES:
            raise errcode(45047, "out of response count limit rid: simulated")
        self.crowd.spent[index] += 1
        return True

    def subscribed(self) -> Iterator[str]:
        """Walk through the openids of all current followers."""
        named = (person.openid for person in list(self._people.values()) if person.subscribed)
        return named if self.crowd is None else chain(named, self.crowd.openids())

    def count_subscribed(self) -> int:
        """Count the current followers."""
        named = sum(1 for person in self._people.values() if person.subscribed)
        return named + (self.crowd.count if self.crowd else 0)

    def page(self, after: str, size: int) -> list[str]:
        """List the openids behind one, as user/get pages them."""
        walk = self.subscribed()
        if after and self.crowd is not None and (index := self.crowd.index(after)) is not None:
            return list(islice(self.crowd.openids(index + 1), size))
        if after:
            for openid in walk:
                if openid == after:
                    break
        return list(islice(walk, size))

    def tagged(self, tag_id: int) -> list[str]:
        """List the current followers that carry a tag."""
        return [who.openid for who in self._people.values() if who.subscribed and tag_id in who.tag_ids]
