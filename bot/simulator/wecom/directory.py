"""The people of the corporation: members and departments, and who of them the application sees."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.simulator.accounts import SimulatorOptions
from bot.simulator.calls import errcode
from bot.simulator.records import Json

ROOT = 1
ACTIVE, LEFT = 1, 5
MOBILE_DIGITS = 11


@dataclass(slots=True)
class Member:
    """One member as the directory shows them."""

    userid: str
    name: str
    mobile: str = ""
    department: list[int] = field(default_factory=lambda: [ROOT])
    position: str = ""
    email: str = ""
    status: int = ACTIVE  # 1 active, 2 disabled, 4 not activated yet, 5 left
    visible: bool = True  # in the range of the application
    licensed: bool = True  # without a licence a message names them in unlicenseduser
    may_contact: bool = True  # may use customer contact
    console_welcome: bool = False  # the console greets new customers: no WelcomeCode
    tag_ids: set[int] = field(default_factory=set)

    def describe(self, *, with_mobile: bool) -> Json:
        """Give the fields of user/get."""
        answer: Json = {
            "userid": self.userid,
            "name": self.name,
            "department": self.department,
            "order": [0] * len(self.department),
            "position": self.position,
            "is_leader_in_dept": [0] * len(self.department),
            "direct_leader": [],
            "main_department": self.department[0] if self.department else ROOT,
            "status": self.status,
            "isleader": 0,
            "enable": int(self.status != LEFT),
            "alias": "",
            "extattr": {"attrs": []},
        }
        return answer | {"mobile": self.mobile, "email": self.email} if with_mobile else answer

    def summarise(self) -> Json:
        """Give the fields of user/simplelist."""
        return {"userid": self.userid, "name": self.name, "department": self.department, "open_userid": ""}


@dataclass(slots=True)
class Department:
    """One department."""

    number: int
    name: str
    parent: int = 0
    leaders: list[str] = field(default_factory=list)

    def describe(self) -> Json:
        """Give the fields of department/list."""
        return {
            "id": self.number,
            "name": self.name,
            "name_en": "",
            "department_leader": self.leaders,
            "parentid": self.parent,
            "order": 100_000 - self.number,
        }


class Directory:
    """Members by their lower-cased id, because the platform does not tell cases apart."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._members: dict[str, Member] = {}
        self.departments: dict[int, Department] = {ROOT: Department(ROOT, "模拟企业")}

    def add(self, member: Member) -> Member:
        """Let somebody join, or replace them."""
        self._members[member.userid.lower()] = member
        return member

    def remove(self, userid: str) -> Member:
        """Let somebody leave."""
        return self._members.pop(userid.lower())

    def find(self, userid: object) -> Member | None:
        """Find a member; with the option of loads everybody is one."""
        known = self._members.get(str(userid).lower())
        if known is None and self._options.wecom_unknown_members and userid:
            return Member(str(userid), str(userid))
        return known

    def load(self, userid: object) -> Member:
        """Find a member the application may see, or refuse."""
        member = self.find(userid)
        if member is None:
            raise errcode(60111, f"userid not found: {userid}, hint: [simulated]")
        if not member.visible:
            raise errcode(60011, "no privilege to access/modify contact/party/agent, hint: [simulated]")
        return member

    def find_mobile(self, mobile: str) -> Member | None:
        """Find a member by their mobile."""
        return next((member for member in self._members.values() if mobile and member.mobile == mobile), None)

    def ensure(self, userid: str) -> Member:
        """Find a member, or let them join."""
        return self.find(userid) or self.add(Member(userid, f"成员{userid}"))

    def members(self) -> Iterator[Member]:
        """Walk through everybody the application sees."""
        return (member for member in list(self._members.values()) if member.visible)

    def members_of(self, numbers: set[int]) -> list[Member]:
        """List the visible members of some departments."""
        return [member for member in self.members() if numbers & set(member.department)]

    def tagged(self, tag_id: int) -> list[Member]:
        """List the visible members that carry a member tag."""
        return [member for member in self.members() if tag_id in member.tag_ids]

    def add_department(self, name: str, parent: int, number: int | None = None) -> Department:
        """Add a department under another."""
        key = max(self.departments) + 1 if number is None else number
        department = self.departments[key] = Department(key, name, parent)
        return department

    def below(self, number: int) -> set[int]:
        """Collect a department and everything below it."""
        found = {number}
        while more := {row.number for row in self.departments.values() if row.parent in found} - found:
            found |= more
        return found
