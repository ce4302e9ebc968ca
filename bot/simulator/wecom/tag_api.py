"""The corporation's tags for customers: groups of tags, and marking. Changes through the API push nothing.

Source: protocols.md sections 3.2 and 3.4.
"""

from dataclasses import dataclass, field
from typing import Any

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.shapes import bad_parameter
from bot.simulator.wecom.state import CONTACT, OK, PREFIX, WeComState

NAME_CHARACTERS = 30
MOST_TAGS = 3000


@dataclass(slots=True)
class Tag:
    """One tag."""

    tag_id: str
    name: str
    created_at: int
    order: int = 0

    def describe(self) -> Json:
        """Give the fields of a tag."""
        return {"id": self.tag_id, "name": self.name, "create_time": self.created_at, "order": self.order}


@dataclass(slots=True)
class TagGroup:
    """A group of tags."""

    group_id: str
    name: str
    created_at: int
    order: int = 0
    tags: dict[str, Tag] = field(default_factory=dict)

    def describe(self, only: set[str] | None = None) -> Json:
        """Give the fields of a group with its tags, or some of them."""
        rows = [tag.describe() for key, tag in self.tags.items() if only is None or key in only]
        head = {"group_id": self.group_id, "group_name": self.name, "create_time": self.created_at, "order": self.order}
        return {**head, "tag": rows}


class TagApi:
    """The calls about tags."""

    def __init__(self, state: WeComState) -> None:
        self._state = state
        self.groups: dict[str, TagGroup] = {}

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            f"{PREFIX}/externalcontact/get_corp_tag_list": self.list_tags,
            f"{PREFIX}/externalcontact/add_corp_tag": self.add_tags,
            f"{PREFIX}/externalcontact/edit_corp_tag": self.edit,
            f"{PREFIX}/externalcontact/del_corp_tag": self.delete,
            f"{PREFIX}/externalcontact/mark_tag": self.mark,
        }

    def list_tags(self, call: Call) -> Json:
        """List groups with their tags; all, or those named."""
        fields = self._state.read(call, {"tag_id": list, "group_id": list}, scopes=CONTACT)
        tag_ids, group_ids = set(fields.get("tag_id") or []), set(fields.get("group_id") or [])
        if tag_ids:
            rows = [group.describe(tag_ids) for group in self.groups.values() if tag_ids & set(group.tags)]
        else:
            rows = [group.describe() for key, group in self.groups.items() if not group_ids or key in group_ids]
        return {**OK, "tag_group": rows}

    def add_tags(self, call: Call) -> Json:
        """Add tags to a group, which is made when it is new."""
        kinds = {"group_id": str, "group_name": str, "order": int, "tag": list, "agentid": int}
        fields = self._state.read(call, kinds, needed=("tag",), scopes=CONTACT)
        names = [_name_of(row) for row in fields["tag"]]
        if sum(len(group.tags) for group in self.groups.values()) + len(names) > MOST_TAGS:
            raise errcode(40126, "tag count out of limit, hint: [simulated]")
        group = self._find_group(fields)
        known = {tag.name for tag in group.tags.values()}
        if len(set(names)) < len(names) or known & set(names):
            raise errcode(40071, "invalid tag name, already exists, hint: [simulated]")
        made = {self.put(group, str(row["name"]), int(row.get("order") or 0)).tag_id for row in fields["tag"]}
        return {**OK, "tag_group": group.describe(made)}

    def edit(self, call: Call) -> Json:
        """Rename or reorder a tag or a group."""
        kinds = {"id": str, "name": str, "order": int, "agentid": int}
        fields = self._state.read(call, kinds, needed=("id",), scopes=CONTACT)
        found = self.groups.get(fields["id"]) or self.find(fields["id"])
        if found is None:
            raise errcode(40068, "invalid tagid, hint: [simulated]")
        if fields.get("name"):
            found.name = _name_of(fields)
        if fields.get("order") is not None:
            found.order = int(fields["order"])
        return OK

    def delete(self, call: Call) -> Json:
        """Delete tags and groups; a group without a tag goes too."""
        fields = self._state.read(call, {"tag_id": list, "group_id": list, "agentid": int}, scopes=CONTACT)
        tag_ids, group_ids = list(fields.get("tag_id") or []), list(fields.get("group_id") or [])
        if not tag_ids and not group_ids:
            raise bad_parameter("tag_id and group_id are both missing")
        if any(self.find(key) is None for key in tag_ids) or any(key not in self.groups for key in group_ids):
            raise errcode(40068, "invalid tagid, hint: [simulated]")
        for key in group_ids:
            tag_ids += list(self.groups[key].tags)
        self.drop(set(tag_ids))
        return OK

    def mark(self, call: Call) -> Json:
        """Put tags on a member's customer and take others off."""
        kinds = {"userid": str, "external_userid": str, "add_tag": list, "remove_tag": list}
        fields = self._state.read(call, kinds, needed=("userid", "external_userid"), scopes=CONTACT)
        member = self._state.directory.load(fields["userid"])
        relation = self._state.relations.load(member.userid, fields["external_userid"])
        added, removed = list(fields.get("add_tag") or []), set(fields.get("remove_tag") or [])
        if not added and not removed:
            raise bad_parameter("add_tag and remove_tag are both missing")
        if any(self.find(str(key)) is None for key in (*added, *removed)):
            raise errcode(40068, "invalid tagid, hint: [simulated]")
        kept = [key for key in relation.tag_ids if key not in removed]
        relation.tag_ids = list(dict.fromkeys([*kept, *added]))
        return OK

    def find(self, tag_id: str) -> Tag | None:
        """Find a tag."""
        return next((group.tags[tag_id] for group in self.groups.values() if tag_id in group.tags), None)

    def make_group(self, name: str, order: int = 0) -> TagGroup:
        """Make a group."""
        group_id = self._state.make_id("etSimGroup")
        made = self.groups[group_id] = TagGroup(group_id, name, int(self._state.clock.seconds()), order)
        return made

    def put(self, group: TagGroup, name: str, order: int = 0) -> Tag:
        """Put a new tag into a group."""
        tag_id = self._state.make_id("etSimTag")
        made = group.tags[tag_id] = Tag(tag_id, name, int(self._state.clock.seconds()), order)
        return made

    def drop(self, tag_ids: set[str]) -> None:
        """Delete tags everywhere."""
        for group in list(self.groups.values()):
            group.tags = {key: tag for key, tag in group.tags.items() if key not in tag_ids}
            if not group.tags:
                del self.groups[group.group_id]
        self._state.relations.take_tags_off(tag_ids)

    def describe_marks(self, tag_ids: list[str]) -> list[Json]:
        """Give the tags of a customer as externalcontact/get shows them."""
        return [
            {"group_name": group.name, "tag_name": group.tags[key].name, "tag_id": key, "type": 1}
            for key in tag_ids
            for group in self.groups.values()
            if key in group.tags
        ]

    def _find_group(self, fields: Json) -> TagGroup:
        if fields.get("group_id"):
            known = self.groups.get(fields["group_id"])
            if known is None:
                raise errcode(40068, "invalid tagid, hint: [simulated]")
            return known
        name = str(fields.get("group_name") or "")
        if not name or len(name) > NAME_CHARACTERS:
            raise errcode(40072, "invalid tag name size, hint: [simulated]")
        return next((group for group in self.groups.values() if group.name == name), None) or self.make_group(
            name, int(fields.get("order") or 0)
        )


def _name_of(row: Any) -> str:
    name = row.get("name") if isinstance(row, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARACTERS:
        raise errcode(40072, "invalid tag name size, hint: [simulated]")
    return name
