"""How the simulated DingTalk behaves; every field may be changed while it runs."""

from dataclasses import dataclass, field

TICKET_SECONDS = 90.0
SILENCE_SECONDS = 10.0
CARD_SECONDS = 2.0


@dataclass(slots=True)
class Knobs:
    """The switches of one DingTalk; times are in the simulators' clock unless a field says otherwise."""

    # Stream
    ping_seconds: float | None = 20.0  # wall time between pings of the gateway; None: only when asked
    ack_seconds: float = 5.0  # wall time the gateway waits for the ack of an event or robot message
    silence_seconds: float = SILENCE_SECONDS  # between a disconnect frame and the end of its connection
    header_singular: bool = False  # frames say `header` as one sample of the page does
    string_times: bool = False  # `time` and `eventBornTime` as strings
    refuse_opening: bool = False  # no tickets are given
    refuse_tickets: bool = False  # tickets are given and not taken
    # events, over HTTP and Stream
    event_attempts: int = 3  # how often an event is delivered before it is given up
    event_retry_seconds: float = 1.0  # wall time between the deliveries
    event_repeat_share: float = 0.0  # the part of the acknowledged events that comes once more all the same
    # cards
    card_seconds: float = CARD_SECONDS  # wall time within which an answer to a pressed button counts
    failing_spaces: set[str] = field(default_factory=set)  # space ids to which no card can be delivered
    # calls
    token_life_seconds: float | None = None  # tokens end earlier than they promise
    link_seconds: float = 600.0  # how long a downloadUrl serves its file
    unread: set[str] = field(default_factory=set)  # people who do not read
    old_speed_code: bool = False  # custom robots say 130101 instead of 410100
    caller_ip: str = "127.0.0.1"  # the address custom robots see
    ip_calls: int | None = None  # calls of one address in 20 s, then 5 minutes of punishment; None: not counted
    punish_html: bool = False  # the punished see a page instead of {"status": 1111}
