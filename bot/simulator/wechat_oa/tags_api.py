"""Tags of the Official Account: made, renamed, deleted, put on people and taken off.

Source: protocols.md section 2.2, tags; the two limits of numbers are marked there as not re-read.
"""

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wechat_oa.state import OK, WeChatState

FIRST_TAG = 100
SYSTEM_TAGS = frozenset({0, 1, 2})
NAME_BYTES = 30
TAGS = 100  # besides those of the system
TAGS_PER_PERSON = 20
TAGGED_AT_ONCE = 50
MOST_FANS_TO_DELETE = 100_000
PAGE = 10_000


class TagsApi:
    """The calls under /cgi-bin/tags."""

    def __init__(self, state: WeChatState) -> None:
        self._state = state
        self.tags: dict[int, str] = {2: "星标组"}

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            "/cgi-bin/tags/create": self.create,
            "/cgi-bin/tags/get": self.list_tags,
            "/cgi-bin/tags/update": self.update,
            "/cgi-bin/tags/delete": self.delete,
            "/cgi-bin/tags/getidlist": self.list_of_person,
            "/cgi-bin/user/tag/get": self.list_people,
            "/cgi-bin/tags/members/batchtagging": self.tag,
            "/cgi-bin/tags/members/batchuntagging": self.untag,
        }

    def create(self, call: Call) -> Json:
        """Make a tag."""
        name = self._read_name(self._state.read(call))
        if len([number for number in self.tags if number not in SYSTEM_TAGS]) >= TAGS:
            raise errcode(45056, "too many tags rid: simulated")
        number = max(FIRST_TAG - 1, *self.tags) + 1
        self.tags[number] = name
        return {"tag": {"id": number, "name": name}}

    def list_tags(self, call: Call) -> Json:
        """List the tags with their number of followers."""
        self._state.admit(call)
        followers = self._state.followers
        rows = [{"id": key, "name": name, "count": len(followers.tagged(key))} for key, name in self.tags.items()]
        return {"tags": rows}

    def update(self, call: Call) -> Json:
        """Rename a tag."""
        fields = self._state.read(call)
        number = self._read_own(fields)
        self.tags[number] = self._read_name(fields, besides=number)
        return OK

    def delete(self, call: Call) -> Json:
        """Delete a tag, also from the people who carry it."""
        number = self._read_own(self._state.read(call))
        carriers = self._state.followers.tagged(number)
        if len(carriers) > MOST_FANS_TO_DELETE:
            raise errcode(45057, "too many fans of the tag rid: simulated")
        for openid in carriers:
            self._state.followers.ensure(openid).tag_ids.discard(number)
        del self.tags[number]
        return OK

    def list_of_person(self, call: Call) -> Json:
        """List the tags of one person."""
        openid = str(self._state.read(call).get("openid", ""))
        if not self._state.followers.is_known(openid):
            raise errcode(40003, "invalid openid rid: simulated")
        person = self._state.followers.find(openid)
        return {"tagid_list": sorted(person.tag_ids) if person else []}

    def list_people(self, call: Call) -> Json:
        """List the followers that carry a tag, page by page."""
        fields = self._state.read(call)
        number = self._read_known(fields.get("tagid"))
        people, after = self._state.followers.tagged(number), str(fields.get("next_openid") or "")
        start = people.index(after) + 1 if after in people else 0
        page = people[start : start + PAGE]
        answer: Json = {"count": len(page)}
        return {**answer, "data": {"openid": page}, "next_openid": page[-1]} if page else {**answer, "next_openid": ""}

    def tag(self, call: Call) -> Json:
        """Put a tag on people: on all of the list or on nobody."""
        number, openids = self._read_tagging(call)
        people = [self._state.followers.ensure(openid) for openid in openids]
        if any(number not in person.tag_ids and len(person.tag_ids) >= TAGS_PER_PERSON for person in people):
            raise errcode(45059, "user has too many tags rid: simulated")
        for person in people:
            person.tag_ids.add(number)
        return OK

    def untag(self, call: Call) -> Json:
        """Take a tag off people."""
        number, openids = self._read_tagging(call)
        for openid in openids:
            self._state.followers.ensure(openid).tag_ids.discard(number)
        return OK

    def _read_name(self, fields: Json, besides: int | None = None) -> str:
        tag = fields.get("tag")
        name = tag.get("name") if isinstance(tag, dict) else None
        if not name or len(str(name).encode()) > NAME_BYTES:
            raise errcode(45158, "invalid tag name size rid: simulated")
        if any(known == name and number != besides for number, known in self.tags.items()):
            raise errcode(45157, "invalid tag name, already exists rid: simulated")
        return str(name)

    def _read_own(self, fields: Json) -> int:
        tag = fields.get("tag")
        number = tag.get("id") if isinstance(tag, dict) else None
        if number in SYSTEM_TAGS:
            raise errcode(45058, "can't modify sys tag rid: simulated")
        return self._read_known(number)

    def _read_known(self, number: object) -> int:
        if not isinstance(number, int) or number not in self.tags:
            raise errcode(45159, "invalid tag rid: simulated")
        return number

    def _read_tagging(self, call: Call) -> tuple[int, list[str]]:
        fields = self._state.read(call)
        number, openids = self._read_known(fields.get("tagid")), fields.get("openid_list")
        if not isinstance(openids, list) or not 0 < len(openids) <= TAGGED_AT_ONCE:
            raise errcode(40032, "invalid openid list size rid: simulated")
        if not all(self._state.followers.is_known(str(openid)) for openid in openids):
            raise errcode(40003, "invalid openid rid: simulated")
        return number, [str(openid) for openid in openids]
