"""Interactive cards: what is stored of one, what people see of it, and the rules for its data.

Source: protocols.md section 4.5, cards.
"""

from dataclasses import dataclass, field
from typing import Any

from bot.simulator.calls import code
from bot.simulator.records import Json

KEY_BYTES = 100
VALUE_BYTES = 1024
STREAM_CALL_BYTES = 1024
STREAM_BYTES = 3 * 1024
SPACE_PREFIX = "dtv1.card//"
GROUP_SPACE, ROBOT_SPACE = "IM_GROUP", "IM_ROBOT"
SPACE_KINDS = frozenset({GROUP_SPACE, ROBOT_SPACE})
Params = dict[str, str]


@dataclass(slots=True)
class Card:
    """One card instance and everybody it was delivered to."""

    out_track_id: str
    template_id: str
    public: Params
    private: dict[str, Params] = field(default_factory=dict)  # staff id to what only they see
    callback_type: str = ""
    route_key: str = ""
    places: list[str] = field(default_factory=list)  # staff ids and conversation ids
    streams: dict[str, str] = field(default_factory=dict)  # variable to its text so far
    guids: set[str] = field(default_factory=set)
    is_finished: bool = False  # no streaming any more
    is_failed: bool = False
    update_count: int = 0

    def shown_to(self, staff_id: str) -> Params:
        """Tell what a person sees: the public variables under their own."""
        return self.public | self.streams | self.private.get(staff_id, {})

    @property
    def text(self) -> str:
        """Tell what everybody reads."""
        return "\n".join((self.public | self.streams).values())

    def change(self, public: Params | None, private: dict[str, Params], options: Json) -> None:
        """Overwrite the data, or only the named variables where the options say so."""
        by_key = options.get("updateCardDataByKey") is True
        if public is not None:
            self.public = self.public | public if by_key else public
            self.streams = {name: text for name, text in self.streams.items() if by_key and name not in public}
        for staff_id, params in private.items():
            keeps = options.get("updatePrivateDataByKey") is True
            self.private[staff_id] = (self.private.get(staff_id, {}) if keeps else {}) | params
        self.update_count += 1

    def stream(self, fields: Json) -> None:
        """Take one piece of a variable that is written bit by bit. Raises: Refused."""
        guid, key, content = (fields.get(name) for name in ("guid", "key", "content"))
        if not isinstance(guid, str) or not guid or not isinstance(key, str) or not key or not isinstance(content, str):
            raise code("invalidParameter.streaming", "guid, key and content have to be texts")
        if guid in self.guids:
            return
        if self.is_finished:
            raise code("invalidParameter.streaming", "the card is finalized")
        whole = content if fields.get("isFull") is True else self.streams.get(key, "") + content
        if len(content.encode()) > STREAM_CALL_BYTES or len(whole.encode()) > STREAM_BYTES:
            raise code("invalidParameter.content.overMax", "content is too long")
        self.guids.add(guid)
        self.streams[key] = whole
        self.is_failed = fields.get("isError") is True
        self.is_finished = self.is_failed or fields.get("isFinalize") is True


def read_params(data: Any, name: str = "cardData") -> Params:
    """Read a `cardParamMap`: texts only, keys and values of limited size. Raises: Refused."""
    params = data.get("cardParamMap") if isinstance(data, dict) else None
    if not isinstance(params, dict):
        raise code(f"invalidParameter.{name}", f"{name}.cardParamMap is no object")
    for key, value in params.items():
        if not isinstance(value, str):
            raise code(f"invalidParameter.{name}", f"{name}.{key} is no text")
        if len(key.encode()) > KEY_BYTES or len(value.encode()) > VALUE_BYTES:
            raise code(f"invalidParameter.{name}.overMax", f"{name}.{key} is too long")
    return dict(params)


def read_private(data: Any) -> dict[str, Params]:
    """Read `privateData`: user id to a `cardParamMap`. Raises: Refused."""
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise code("invalidParameter.privateData", "privateData is no object")
    return {user_id: read_params(value, "privateData") for user_id, value in data.items()}


def read_options(data: Any) -> Json:
    """Read `cardUpdateOptions`. Raises: Refused."""
    if data is None:
        return {}
    if not isinstance(data, dict) or any(not isinstance(value, bool) for value in data.values()):
        raise code("invalidParameter.cardUpdateOptions", "cardUpdateOptions holds true and false only")
    return data


def read_spaces(raw: Any) -> list[tuple[str, str]]:
    """Read `openSpaceId`: kinds and ids, several joined by ";". Raises: Refused."""
    spaces: list[tuple[str, str]] = []
    if isinstance(raw, str) and raw.startswith(SPACE_PREFIX):
        for part in raw.split(";"):
            kind, _, space_id = part.removeprefix(SPACE_PREFIX).partition(".")
            spaces.append((kind.upper(), space_id))
    if not spaces or any(kind not in SPACE_KINDS or not space_id for kind, space_id in spaces):
        raise code("invalidParameter.openSpaceId", "openSpaceId is not dtv1.card//IM_GROUP.<id> or //IM_ROBOT.<id>")
    return spaces
