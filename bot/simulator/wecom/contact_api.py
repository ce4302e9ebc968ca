"""Calls of customer contact about customers: who has whom, details, remarks.

Source: protocols.md section 3.4, external contact.
"""

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.directory import Member
from bot.simulator.wecom.relations import Relation
from bot.simulator.wecom.shapes import page_of, read_limit
from bot.simulator.wecom.state import CONTACT, OK, PREFIX, WeComState
from bot.simulator.wecom.tag_api import TagApi

FOLLOWERS_PAGE = 500
BATCH_MEMBERS, BATCH_PAGE = 100, 100
REMARK_CHARACTERS, DESCRIPTION_CHARACTERS = 20, 150
REMARK_KINDS: dict[str, type | tuple[type, ...]] = {
    "userid": str,
    "external_userid": str,
    "remark": str,
    "description": str,
    "remark_company": str,
    "remark_mobiles": list,
    "remark_pic_mediaid": str,
}


class ContactApi:
    """The calls under /cgi-bin/externalcontact about single customers."""

    def __init__(self, state: WeComState, tags: TagApi) -> None:
        self._state = state
        self._tags = tags

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            f"{PREFIX}/externalcontact/get_follow_user_list": self.list_contact_members,
            f"{PREFIX}/externalcontact/list": self.list_customers,
            f"{PREFIX}/externalcontact/get": self.show_customer,
            f"{PREFIX}/externalcontact/batch/get_by_user": self.list_details,
            f"{PREFIX}/externalcontact/remark": self.set_remark,
        }

    def list_contact_members(self, call: Call) -> Json:
        """List the members that may use customer contact."""
        self._state.admit(call, CONTACT)
        return {**OK, "follow_user": [member.userid for member in self._state.directory.members() if member.may_contact]}

    def list_customers(self, call: Call) -> Json:
        """List the customers of one member."""
        self._state.admit(call, CONTACT)
        userid = call.query.get("userid")
        if not userid:
            raise errcode(41009, "missing userid, hint: [simulated]")
        customers = self._state.relations.customers_of(self._load_contact_member(userid).userid)
        if not customers:
            raise errcode(84061, "not external contact, hint: [simulated]")
        return {**OK, "external_userid": customers}

    def show_customer(self, call: Call) -> Json:
        """Describe one customer and the members who have them, 500 at a time."""
        self._state.admit(call, CONTACT)
        external_userid = call.query.get("external_userid")
        if not external_userid:
            raise errcode(41035, "missing external_userid, hint: [simulated]")
        relations = self._state.relations
        external = relations.load_external(external_userid)
        rows = [relations.load(userid, external_userid) for userid in relations.members_of(external_userid)]
        if not rows:
            raise errcode(84061, "not external contact, hint: [simulated]")
        page, cursor = page_of(rows, call.query.get("cursor"), FOLLOWERS_PAGE)
        followers = [row.describe() | {"tags": self._tags.describe_marks(row.tag_ids)} for row in page]
        answer: Json = {**OK, "external_contact": external.describe(), "follow_user": followers}
        return answer | {"next_cursor": cursor} if cursor else answer

    def list_details(self, call: Call) -> Json:
        """Describe the customers of several members, page by page."""
        state = self._state
        kinds = {"userid_list": list, "cursor": str, "limit": int}
        fields = state.read(call, kinds, needed=("userid_list",), scopes=CONTACT)
        if len(fields["userid_list"]) > BATCH_MEMBERS:
            raise errcode(40032, "invalid userid list size, hint: [simulated]")
        rows: list[Relation] = []
        for name in fields["userid_list"]:
            userid = self._load_contact_member(name).userid
            rows += [state.relations.load(userid, key) for key in state.relations.customers_of(userid)]
        page, cursor = page_of(rows, fields.get("cursor"), read_limit(fields, BATCH_PAGE, 50))
        details = [self._detail(row) for row in page]
        return {**OK, "external_contact_list": details, "next_cursor": cursor}

    def set_remark(self, call: Call) -> Json:
        """Write a member's remark on a customer; the platform pushes nothing for it."""
        fields = self._state.read(call, REMARK_KINDS, needed=("userid", "external_userid"), scopes=CONTACT)
        member = self._load_contact_member(fields["userid"])
        relation = self._state.relations.load(member.userid, fields["external_userid"])
        for name, most in (("remark", REMARK_CHARACTERS), ("description", DESCRIPTION_CHARACTERS)):
            if len(fields.get(name) or "") > most:
                self._state.records.complain(call.path, f"{name} is longer than {most} characters and was cut off")
                fields[name] = fields[name][:most]
        for name in ("remark", "description", "remark_company", "remark_mobiles"):
            if fields.get(name) is not None:
                setattr(relation, name, fields[name])
        return OK

    def _load_contact_member(self, userid: object) -> Member:
        member = self._state.directory.load(userid)
        if not member.may_contact:
            raise errcode(84061, "not external contact, hint: [simulated]")
        return member

    def _detail(self, relation: Relation) -> Json:
        external = self._state.relations.load_external(relation.external_userid)
        follow = relation.describe() | {"tag_id": relation.tag_ids}
        return {"external_contact": external.describe(), "follow_info": follow}
