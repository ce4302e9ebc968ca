"""Customers of the corporation's members: who has whom, with remarks and tags; groups with customers in them.

A relation is kept by member and customer. One that ended is kept too, because a group send tells
the difference between a stranger and a customer who left.
"""

import secrets
from dataclasses import dataclass, field

from bot.simulator.calls import errcode
from bot.simulator.clock import SimClock
from bot.simulator.records import Json

EXTERNAL_PREFIX = "wmSim"
ID_LENGTH = 32
WAYS = {"way": 1, "search": 2, "card": 3, "group": 4, "contacts": 5, "inner": 201, "admin": 202}


@dataclass(slots=True)
class External:
    """A person outside: a customer."""

    external_userid: str
    name: str
    kind: int = 1  # 1 a WeChat user, 2 a WeCom user
    gender: int = 0
    unionid: str = ""
    corp_name: str = ""

    def describe(self) -> Json:
        """Give the fields of external_contact."""
        answer: Json = {
            "external_userid": self.external_userid,
            "name": self.name,
            "avatar": "",
            "type": self.kind,
            "gender": self.gender,
        }
        if self.unionid:
            answer["unionid"] = self.unionid
        return answer if self.kind == 1 else answer | {"corp_name": self.corp_name, "corp_full_name": self.corp_name}


@dataclass(slots=True)
class Relation:
    """What a member and a customer have with each other."""

    userid: str
    external_userid: str
    created_at: int
    state: str = ""
    add_way: int = 1
    remark: str = ""
    description: str = ""
    remark_company: str = ""
    remark_mobiles: list[str] = field(default_factory=list)
    tag_ids: list[str] = field(default_factory=list)
    is_open: bool = True
    chatting: bool = False  # they have written to each other: no welcome any more

    def describe(self) -> Json:
        """Give what follow_user and follow_info have in common."""
        answer: Json = {
            "userid": self.userid,
            "remark": self.remark,
            "description": self.description,
            "createtime": self.created_at,
            "remark_corp_name": self.remark_company,
            "remark_mobiles": self.remark_mobiles,
            "oper_userid": self.userid,
            "add_way": self.add_way,
        }
        return answer | {"state": self.state} if self.state else answer


@dataclass(slots=True)
class GroupChat:
    """A group with customers in it."""

    chat_id: str
    name: str
    owner: str
    created_at: int
    notice: str = ""
    people: dict[str, int] = field(default_factory=dict)  # userid or external_userid to the time of joining
    joined_by: dict[str, int] = field(default_factory=dict)  # 1 invited, 2 by a link, 3 by a QR code
    admins: list[str] = field(default_factory=list)
    status: int = 0
    version: int = 1
    dismissed: bool = False

    @property
    def member_version(self) -> str:
        """Name the state of its list of people."""
        return f"{self.chat_id[-8:]}{self.version:06d}"


class Relations:
    """All customers, relations and groups."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._externals: dict[str, External] = {}
        self._relations: dict[tuple[str, str], Relation] = {}
        self._by_customer: dict[str, list[str]] = {}
        self._by_member: dict[str, list[str]] = {}
        self.groups: dict[str, GroupChat] = {}

    def make_external_userid(self) -> str:
        """Make up an id of a new customer."""
        return f"{EXTERNAL_PREFIX}{secrets.token_urlsafe(ID_LENGTH)}"[:ID_LENGTH]

    def ensure_external(self, external_userid: str, name: str) -> External:
        """Find a customer, or make one."""
        return self._externals.setdefault(external_userid, External(external_userid, name))

    def connect(self, userid: str, external_userid: str, *, state: str = "", add_way: int = 1) -> Relation:
        """Let a member have a customer, afresh."""
        relation = Relation(userid, external_userid, int(self._clock.seconds()), state, add_way)
        if (userid, external_userid) not in self._relations:
            self._by_customer.setdefault(external_userid, []).append(userid)
            self._by_member.setdefault(userid, []).append(external_userid)
        self._relations[userid, external_userid] = relation
        return relation

    def disconnect(self, userid: str, external_userid: str) -> Relation:
        """End a relation. Raises: KeyError when there never was one."""
        relation = self._relations[userid, external_userid]
        relation.is_open = False
        return relation

    def find(self, userid: str, external_userid: str) -> Relation | None:
        """Find an open relation."""
        relation = self._relations.get((userid, external_userid))
        return relation if relation is not None and relation.is_open else None

    def load(self, userid: str, external_userid: object) -> Relation:
        """Find an open relation, or refuse."""
        self.load_external(external_userid)
        relation = self.find(userid, str(external_userid))
        if relation is None:
            raise errcode(84061, "not external contact, hint: [simulated]")
        return relation

    def find_external(self, external_userid: str) -> External | None:
        """Find a customer by id."""
        return self._externals.get(external_userid)

    def load_external(self, external_userid: object) -> External:
        """Find a customer, or refuse."""
        external = self._externals.get(str(external_userid))
        if external is None:
            raise errcode(40096, "invalid external userid, hint: [simulated]")
        return external

    def customers_of(self, userid: str) -> list[str]:
        """List the customers a member has now, in the order they came."""
        return [key for key in self._by_member.get(userid, []) if self.find(userid, key) is not None]

    def members_of(self, external_userid: str) -> list[str]:
        """List the members a customer has now, in the order they came."""
        return [key for key in self._by_customer.get(external_userid, []) if self.find(key, external_userid) is not None]

    def count(self) -> int:
        """Count the customers somebody has."""
        return sum(1 for key in self._externals if self.members_of(key))

    def take_tags_off(self, tag_ids: set[str]) -> None:
        """Take deleted tags off everybody."""
        for relation in self._relations.values():
            relation.tag_ids = [key for key in relation.tag_ids if key not in tag_ids]

    def load_group(self, chat_id: object) -> GroupChat:
        """Find a group, or refuse."""
        group = self.groups.get(str(chat_id))
        if group is None or group.dismissed:
            raise errcode(40050, "chatid not found, hint: [simulated]")
        return group
