"""Calls about the application and the directory: token, callback addresses, menu, members, departments.

Source: protocols.md sections 3.1 and 3.4.
"""

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.directory import ROOT, Department, Member
from bot.simulator.wecom.shapes import bad_parameter, page_of, read_limit
from bot.simulator.wecom.state import APP_ONLY, CONTACT, OK, PREFIX, WeComState

CALLBACK_ADDRESSES = ["127.0.0.1"]
ID_PAGE = 10_000
MENU_SIZE, SUBMENU_SIZE = 3, 5


class ApplicationApi:
    """Token, menu and directory."""

    def __init__(self, state: WeComState) -> None:
        self._state = state
        self.menu: Json | None = None

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            f"{PREFIX}/gettoken": self.fetch_token,
            f"{PREFIX}/getcallbackip": self.list_callback_addresses,
            f"{PREFIX}/get_api_domain_ip": self.list_callback_addresses,
            f"{PREFIX}/menu/create": self.create_menu,
            f"{PREFIX}/menu/get": self.show_menu,
            f"{PREFIX}/menu/delete": self.delete_menu,
            f"{PREFIX}/agent/get": self.show_agent,
            f"{PREFIX}/user/get": self.show_member,
            f"{PREFIX}/user/simplelist": self.list_names,
            f"{PREFIX}/user/list": self.list_members,
            f"{PREFIX}/user/list_id": self.list_ids,
            f"{PREFIX}/user/getuserid": self.find_by_mobile,
            f"{PREFIX}/department/list": self.list_departments,
            f"{PREFIX}/department/simplelist": self.list_department_ids,
            f"{PREFIX}/department/get": self.show_department,
        }

    def fetch_token(self, call: Call) -> Json:
        """Give the token of a secret."""
        for name, code in (("corpid", 41002), ("corpsecret", 41004)):
            if not call.query.get(name):
                raise errcode(code, f"{name} missing, hint: [simulated]")
        self._state.limits.spend_call(call.path)
        return self._state.tokens.fetch(call.query["corpid"], call.query["corpsecret"])

    def list_callback_addresses(self, call: Call) -> Json:
        """Tell where pushes come from."""
        self._state.admit(call)
        return {**OK, "ip_list": CALLBACK_ADDRESSES}

    def create_menu(self, call: Call) -> Json:
        """Replace the menu."""
        self._check_agent(call)
        fields = self._state.read(call, {"button": list}, needed=("button",), scopes=APP_ONLY)
        buttons = fields["button"]
        if len(buttons) > MENU_SIZE:
            raise errcode(40016, "invalid button size, hint: [simulated]")
        for button in buttons:
            if not isinstance(button, dict) or not button.get("name"):
                raise errcode(40018, "invalid button name size, hint: [simulated]")
            if len(button.get("sub_button") or []) > SUBMENU_SIZE:
                raise errcode(40023, "invalid sub button size, hint: [simulated]")
        self.menu = {"button": buttons}
        return OK

    def show_menu(self, call: Call) -> Json:
        """Show the menu."""
        self._state.admit(call, APP_ONLY)
        self._check_agent(call)
        if self.menu is None:
            raise errcode(46003, "menu not set, hint: [simulated]")
        return {**OK, **self.menu}

    def delete_menu(self, call: Call) -> Json:
        """Delete the menu."""
        self._state.admit(call, APP_ONLY)
        self._check_agent(call)
        self.menu = None
        return OK

    def show_agent(self, call: Call) -> Json:
        """Describe the application, and whom it sees."""
        self._state.admit(call, APP_ONLY)
        self._check_agent(call)
        members = [{"userid": member.userid} for member in self._state.directory.members()]
        return {**OK, "agentid": self._state.corp.agent_id, "name": "模拟应用", "close": 0} | {
            "allow_userinfos": {"user": members},
            "allow_partys": {"partyid": [ROOT]},
            "allow_tags": {"tagid": []},
        }

    def show_member(self, call: Call) -> Json:
        """Describe one member."""
        self._state.admit(call, CONTACT)
        userid = call.query.get("userid")
        if not userid:
            raise errcode(41009, "missing userid, hint: [simulated]")
        return {**OK, **self._describe(self._state.directory.load(userid))}

    def list_names(self, call: Call) -> Json:
        """List the members of a department, names only."""
        return {**OK, "userlist": [member.summarise() for member in self._members_of(call)]}

    def list_members(self, call: Call) -> Json:
        """List the members of a department."""
        return {**OK, "userlist": [self._describe(member) for member in self._members_of(call)]}

    def list_ids(self, call: Call) -> Json:
        """List everybody's id with their departments, page by page."""
        fields = self._state.read(call, {"cursor": str, "limit": int}, scopes=CONTACT)
        pairs = [
            {"userid": member.userid, "department": number}
            for member in self._state.directory.members()
            for number in member.department
        ]
        rows, cursor = page_of(pairs, fields.get("cursor"), read_limit(fields, ID_PAGE, ID_PAGE))
        answer: Json = {**OK, "dept_user": rows}
        return answer | {"next_cursor": cursor} if cursor else answer

    def find_by_mobile(self, call: Call) -> Json:
        """Tell whose mobile it is."""
        fields = self._state.read(call, {"mobile": str}, needed=("mobile",), scopes=CONTACT)
        member = self._state.directory.find_mobile(fields["mobile"])
        if member is None:
            raise errcode(46004, "user not exist, hint: [simulated]")
        return {**OK, "userid": member.userid}

    def list_departments(self, call: Call) -> Json:
        """List departments, below one if it is named."""
        return {**OK, "department": [row.describe() for row in self._departments(call)]}

    def list_department_ids(self, call: Call) -> Json:
        """List departments without their names."""
        rows = [{"id": row.number, "parentid": row.parent, "order": 1} for row in self._departments(call)]
        return {**OK, "department_id": rows}

    def show_department(self, call: Call) -> Json:
        """Describe one department."""
        self._state.admit(call, CONTACT)
        return {**OK, "department": self._load_department(call.query.get("id", "")).describe()}

    def _describe(self, member: Member) -> Json:
        return member.describe(with_mobile=self._state.options.wecom_shows_mobiles)

    def _check_agent(self, call: Call) -> None:
        agent_id = call.query.get("agentid")
        if not agent_id:
            raise errcode(41011, "missing agentid, hint: [simulated]")
        if agent_id != str(self._state.corp.agent_id):
            raise errcode(40056, "invalid agentid, hint: [simulated]")

    def _members_of(self, call: Call) -> list[Member]:
        self._state.admit(call, CONTACT)
        number = self._load_department(call.query.get("department_id", "")).number
        directory = self._state.directory
        return directory.members_of(directory.below(number) if call.query.get("fetch_child") == "1" else {number})

    def _departments(self, call: Call) -> list[Department]:
        self._state.admit(call, CONTACT)
        directory, wanted = self._state.directory, call.query.get("id")
        if not wanted:
            return list(directory.departments.values())
        return [directory.departments[number] for number in sorted(directory.below(self._load_department(wanted).number))]

    def _load_department(self, text: str) -> Department:
        if not text.isdecimal():
            raise bad_parameter("invalid department id")
        department = self._state.directory.departments.get(int(text))
        if department is None:
            raise errcode(60003, "department not found, hint: [simulated]")
        return department
