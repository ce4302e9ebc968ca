"""Knobs that make the API servers misbehave, per path and for a number of calls.

`hang` and `reset` take no effect on the platform, their `_after` kinds do: the call is carried
out and its answer is lost, which is the case a sender must call unknown.
"""

import random
import time
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong."""

    HANG = "hang"  # accepted, never answered, not carried out
    HANG_AFTER = "hang_after"  # carried out, never answered
    STATUS = "status"  # an HTTP status with a short body, not carried out
    STATUS_AFTER = "status_after"
    HTML = "html"  # the 502 page of a proxy, not carried out
    HTML_AFTER = "html_after"
    RESET = "reset"  # the connection breaks, not carried out
    RESET_AFTER = "reset_after"
    SLOW = "slow"  # carried out and answered, late
    ANSWER = "answer"  # a JSON body of the tester's choice, not carried out (throttling, errcodes)


@dataclass(slots=True)
class Fault:
    """One knob: which path, what happens, how often."""

    path: str  # exact, or with * as in a shell
    kind: FaultKind
    times: int | None = 1  # None: until cleared
    status: int = 500
    delay_seconds: float = 1.0
    body: dict[str, Any] = field(default_factory=dict)
    share: float = 1.0  # the part of the matching calls that is hit
    ends_at: float | None = None  # on the process's own clock
    hits: int = 0

    def is_over(self) -> bool:
        """Tell whether the knob has done its work."""
        used_up = self.times is not None and self.hits >= self.times
        return used_up or (self.ends_at is not None and time.monotonic() >= self.ends_at)


class Faults:
    """All knobs of one simulator. The first matching one wins."""

    def __init__(self, seed: int = 7) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random(seed)

    def add(
        self,
        path: str,
        kind: FaultKind | str,
        *,
        times: int | None = 1,
        status: int = 500,
        delay_seconds: float = 1.0,
        body: dict[str, Any] | None = None,
        share: float = 1.0,
        for_seconds: float | None = None,
    ) -> Fault:
        """Let the next calls of a path fail; `times=None` until cleared, `for_seconds` for a while."""
        ends_at = None if for_seconds is None else time.monotonic() + for_seconds
        fault = Fault(path, FaultKind(kind), times, status, delay_seconds, body or {}, share, ends_at)
        self._faults.append(fault)
        return fault

    def add_errcode(self, path: str, errcode: int, errmsg: str = "simulated", *, times: int | None = 1) -> Fault:
        """Answer a path with an errcode in HTTP 200, as WeChat and DingTalk's older API do (-1, 45009, 45011, 130101)."""
        return self.add(path, FaultKind.ANSWER, times=times, status=200, body={"errcode": errcode, "errmsg": errmsg})

    def add_code(self, path: str, code: str, *, status: int = 403, times: int | None = 1) -> Fault:
        """Answer a path in the form of DingTalk's newer API, such as Forbidden.AccessDenied.QpsLimitForApi."""
        body = {"code": code, "message": code, "requestid": "simulated"}
        return self.add(path, FaultKind.ANSWER, times=times, status=status, body=body)

    def clear(self, path: str | None = None) -> None:
        """Take away all knobs, or those of one path."""
        self._faults = [] if path is None else [fault for fault in self._faults if fault.path != path]

    def take(self, path: str) -> Fault | None:
        """Find the fault this call runs into, and count it."""
        if not self._faults:
            return None
        self._faults = [fault for fault in self._faults if not fault.is_over()]
        for fault in self._faults:
            if fnmatchcase(path, fault.path) and (fault.share >= 1.0 or self._random.random() < fault.share):
                fault.hits += 1
                return fault
        return None

    def active(self) -> list[Fault]:
        """List the knobs that are still on."""
        return [fault for fault in self._faults if not fault.is_over()]
