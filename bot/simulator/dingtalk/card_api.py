"""DingTalk's calls about cards: create and deliver, update, stream, register a callback.

Source: protocols.md section 4.5, cards.
"""

from dataclasses import dataclass

from bot.simulator.calls import Call, Handler, code
from bot.simulator.dingtalk import cards
from bot.simulator.dingtalk.cards import GROUP_SPACE, Card
from bot.simulator.dingtalk.knobs import Knobs
from bot.simulator.dingtalk.state import PLATFORM, DingTalkState
from bot.simulator.records import Json

CALLBACK_TYPES = frozenset({"STREAM", "HTTP"})
MODELS = {  # the models of a space: where it is described, how a card gets into it, and what that needs
    GROUP_SPACE: ("imGroupOpenSpaceModel", "imGroupOpenDeliverModel", {}),
    cards.ROBOT_SPACE: ("imRobotOpenSpaceModel", "imRobotOpenDeliverModel", {"spaceType": cards.ROBOT_SPACE}),
}


@dataclass(frozen=True, slots=True)
class Route:
    """Where pressed buttons of a route key go, and what signs them."""

    url: str
    api_secret: str


class CardApi:
    """The cards of one application."""

    def __init__(self, state: DingTalkState, knobs: Knobs) -> None:
        self._state = state
        self._knobs = knobs
        self.cards: dict[str, Card] = {}
        self.routes_by_key: dict[str, Route] = {}

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            "/v1.0/card/instances/createAndDeliver": self.create_and_deliver,
            "/v1.0/card/instances": self.update,
            "/v1.0/card/streaming": self.stream,
            "/v1.0/card/callbacks/register": self.register,
        }

    def create_and_deliver(self, call: Call) -> Json:
        """Make a card and put it into its spaces; each space succeeds or fails alone."""
        _demand_method(call, "POST")
        fields = self._state.read(call)
        by_union = _reads_union(fields)
        card = self._read_card(fields, by_union)
        spaces = cards.read_spaces(fields.get("openSpaceId"))
        for kind in {kind for kind, _ in spaces}:
            _check_models(fields, kind)
        self.cards[card.out_track_id] = card
        results = [self._deliver(card, fields, kind, space_id, by_union) for kind, space_id in spaces]
        return {"success": True, "result": {"outTrackId": card.out_track_id, "deliverResults": results}}

    def update(self, call: Call) -> Json:
        """Change what a card shows."""
        _demand_method(call, "PUT")
        fields = self._state.read(call)
        card = self.find(fields.get("outTrackId"))
        public = None if fields.get("cardData") is None else cards.read_params(fields["cardData"])
        private = self._name_staff(cards.read_private(fields.get("privateData")), _reads_union(fields))
        card.change(public, private, cards.read_options(fields.get("cardUpdateOptions")))
        return {"success": True, "result": True}

    def stream(self, call: Call) -> Json:
        """Take the next piece of a text that grows."""
        _demand_method(call, "PUT")
        fields = self._state.read(call)
        self.find(fields.get("outTrackId")).stream(fields)
        return {"success": True, "result": True}

    def register(self, call: Call) -> Json:
        """Remember where pressed buttons of a route key go."""
        _demand_method(call, "POST")
        fields = self._state.read(call)
        url, secret, key = (fields.get(name) for name in ("callbackUrl", "apiSecret", "callbackRouteKey"))
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise code("invalidParameter.callbackUrl", "callbackUrl is no address")
        if not isinstance(key, str) or not key or not isinstance(secret, str) or not secret:
            raise code("invalidParameter.callbackRouteKey", "callbackRouteKey and apiSecret are needed")
        route = Route(url, secret)
        if self.routes_by_key.get(key, route) != route and fields.get("forceUpdate") is not True:
            raise code("invalidParameter.callbackRouteKey.exist", "callbackRouteKey is in use")
        self.routes_by_key[key] = route
        return {"success": True, "result": {"callbackUrl": url, "apiSecret": secret}}

    def find(self, out_track_id: object) -> Card:
        """Find a card. Raises: Refused."""
        card = self.cards.get(out_track_id) if isinstance(out_track_id, str) else None
        if card is None:
            raise code("invalidParameter.outTrackId.notExist", "outTrackId is unknown")
        return card

    def _read_card(self, fields: Json, by_union: bool) -> Card:
        template_id, out_track_id = fields.get("cardTemplateId"), fields.get("outTrackId")
        if not isinstance(template_id, str) or not template_id:
            raise code("invalidParameter.cardTemplateId", "cardTemplateId is needed")
        if not isinstance(out_track_id, str) or not out_track_id:
            raise code("invalidParameter.outTrackId", "outTrackId is needed")
        if out_track_id in self.cards:
            raise code("invalidParameter.outTrackId.exist", "outTrackId is used")
        callback_type, key = fields.get("callbackType", ""), fields.get("callbackRouteKey", "")
        if callback_type and callback_type not in CALLBACK_TYPES:
            raise code("invalidParameter.callbackType", "callbackType is STREAM or HTTP")
        if callback_type == "HTTP" and key not in self.routes_by_key:
            raise code("invalidParameter.callbackRouteKey", "callbackRouteKey is not registered")
        private = self._name_staff(cards.read_private(fields.get("privateData")), by_union)
        way = callback_type or ("HTTP" if key in self.routes_by_key else "")
        return Card(out_track_id, template_id, cards.read_params(fields.get("cardData")), private, way, key)

    def _deliver(self, card: Card, fields: Json, kind: str, space_id: str, by_union: bool) -> Json:
        place, problem = self._find_place(fields, kind, space_id, by_union)
        answer = {"spaceType": kind, "spaceId": space_id, "success": not problem, "errorMsg": problem, "carrierId": ""}
        if problem:
            return answer
        card.places.append(place)
        shown = card.public | card.private.get(place, {})
        self._state.records.delivered(PLATFORM, place, "card", "card", "\n".join(shown.values()), card.out_track_id, fields)
        return answer | {"carrierId": f"carrier-{card.out_track_id}-{len(card.places)}"}

    def _find_place(self, fields: Json, kind: str, space_id: str, by_union: bool) -> tuple[str, str]:
        state = self._state
        if space_id in self._knobs.failing_spaces:
            return "", "the space takes no card"
        if fields[MODELS[kind][1]].get("robotCode") != state.app.robot_code:
            return "", "robotCode is unknown"
        if kind == GROUP_SPACE:
            return space_id, "" if space_id in state.groups else "the robot is not in this conversation"
        staff_id = state.staff_id_of(space_id) if by_union else space_id
        known = staff_id in state.staff or (state.options.dingtalk_unknown_staff and not by_union)
        return staff_id, "" if known else "the user is unknown"

    def _name_staff(self, private: dict[str, cards.Params], by_union: bool) -> dict[str, cards.Params]:
        return {self._state.staff_id_of(who): params for who, params in private.items()} if by_union else private


def _demand_method(call: Call, method: str) -> None:
    if call.method != method:
        raise code("InvalidAction.NotFound", f"the call is a {method}", status=404)


def _reads_union(fields: Json) -> bool:
    if fields.get("userIdType", 1) not in (1, 2):
        raise code("invalidParameter.userIdType", "userIdType is 1 or 2")
    return fields.get("userIdType") == 2


def _check_models(fields: Json, kind: str) -> None:
    about, way, needed = MODELS[kind]
    if not isinstance(fields.get(about, {}), dict):
        raise code(f"invalidParameter.{about}", f"{about} is no object")
    model = fields.get(way)
    if not isinstance(model, dict) or any(model.get(name) != value for name, value in needed.items()):
        raise code(f"invalidParameter.{way}", f"{way} is missing or incomplete")
