"""DingTalk's address book: people and departments as a directory sync reads them.

The older API: bodies as JSON or as a form, HTTP 200 also on errors.
Source: public pages of topapi/v2/user/get, topapi/v2/user/getbymobile, topapi/user/listid (2024-02).
"""

from collections.abc import Callable
from urllib.parse import parse_qsl

from bot.simulator.calls import Call, Handler, errcode, read_object
from bot.simulator.dingtalk.state import ROOT_DEPARTMENT, Department, DingTalkState, Staff
from bot.simulator.records import Json

PAGE_SIZE = 100


class DirectoryApi:
    """The address book of one organisation."""

    def __init__(self, state: DingTalkState) -> None:
        self._state = state

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            "/topapi/v2/user/get": self._answering(self.show_user),
            "/topapi/v2/user/getbymobile": self._answering(self.find_by_mobile),
            "/topapi/user/getbyunionid": self._answering(self.find_by_union_id),
            "/topapi/user/listid": self._answering(self.list_user_ids),
            "/topapi/v2/user/list": self._answering(self.list_users),
            "/topapi/v2/department/listsub": self._answering(self.list_departments),
            "/topapi/v2/department/get": self._answering(self.show_department),
        }

    def show_user(self, fields: Json) -> Json:
        """Describe a person."""
        return _describe(self._find(lambda person: person.staff_id == fields.get("userid")))

    def find_by_mobile(self, fields: Json) -> Json:
        """Find a person by mobile."""
        mobile = str(fields.get("mobile", ""))
        if not mobile:
            raise errcode(400002, "无效的参数")
        return {"userid": self._find(lambda person: person.mobile == mobile).staff_id}

    def find_by_union_id(self, fields: Json) -> Json:
        """Find a person by union id."""
        person = self._find(lambda person: person.union_id == fields.get("unionid"))
        return {"userid": person.staff_id, "contact_type": 0}

    def list_user_ids(self, fields: Json) -> Json:
        """List the people of a department by id."""
        return {"userid_list": [person.staff_id for person in self._members(self._department(fields))]}

    def list_users(self, fields: Json) -> Json:
        """Describe the people of a department, a page at a time."""
        members, start = self._members(self._department(fields)), _number(fields.get("cursor", 0))
        size = _number(fields.get("size", PAGE_SIZE))
        if not 1 <= size <= PAGE_SIZE:
            raise errcode(400002, "无效的参数")
        answer: Json = {"list": [_describe(person) for person in members[start : start + size]]}
        has_more = start + size < len(members)
        return answer | {"has_more": has_more} | ({"next_cursor": start + size} if has_more else {})

    def list_departments(self, fields: Json) -> list[Json]:
        """List the departments right below one."""
        parent = self._department(fields)
        below = (one for one in self._state.departments.values() if one.parent_id == parent.department_id)
        return [_describe_department(one) for one in below]

    def show_department(self, fields: Json) -> Json:
        """Describe a department."""
        return _describe_department(self._department(fields))

    def _answering(self, ask: Callable[[Json], Json | list[Json]]) -> Handler:
        def handle(call: Call) -> Json:
            self._state.admit_old(call)
            return {"errcode": 0, "errmsg": "ok", "result": ask(_read(call)), "request_id": "simulated"}

        return handle

    def _find(self, fits: Callable[[Staff], bool]) -> Staff:
        for person in self._state.staff.values():
            if not person.outsider and fits(person):
                return person
        raise errcode(60121, "找不到该用户")

    def _department(self, fields: Json) -> Department:
        department = self._state.departments.get(_number(fields.get("dept_id", ROOT_DEPARTMENT)))
        if department is None:
            raise errcode(60003, "部门不存在")
        return department

    def _members(self, department: Department) -> list[Staff]:
        people = self._state.staff.values()
        return [one for one in people if not one.outsider and department.department_id in one.department_ids]


def _read(call: Call) -> Json:
    if call.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(call.body.decode(errors="replace")))
    return (read_object(call.body) if call.body else {}) or {}


def _number(value: object) -> int:
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        return int(value)
    raise errcode(400002, "无效的参数")


def _describe(person: Staff) -> Json:
    return {
        "userid": person.staff_id,
        "unionid": person.union_id,
        "name": person.nick,
        "mobile": person.mobile,
        "hide_mobile": False,
        "title": person.title,
        "dept_id_list": list(person.department_ids),
        "leader_in_dept": [{"dept_id": number, "leader": False} for number in person.department_ids],
        "admin": person.is_admin,
        "boss": False,
        "active": True,
    }


def _describe_department(department: Department) -> Json:
    answer: Json = {
        "dept_id": department.department_id,
        "name": department.name,
        "auto_add_user": True,
        "create_dept_group": True,
    }
    return answer if department.parent_id is None else answer | {"parent_id": department.parent_id}
