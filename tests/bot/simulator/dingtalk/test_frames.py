"""The form of frames and the judgement on acks, beside the vectors."""

import json

import pytest

from bot.simulator.dingtalk import frames
from bot.simulator.dingtalk.frames import CALLBACK, EVENT, SYSTEM, Frame
from bot.simulator.dingtalk.knobs import Knobs

MS = 1_795_161_600_000


def of_case(case: dict) -> Frame:
    frame = case["frame"]
    head = frame["headers"]
    extra = {name: value for name, value in head.items() if name.startswith("event")}
    return Frame(frame["type"], head["topic"], frame["data"], head.get("messageId", ""), extra)


@pytest.fixture
def cases(load_cases):
    return {case["id"]: case for case in load_cases("dingtalk_inbound") if case["kind"] == "stream-frame"}


@pytest.mark.parametrize("case_id", ["DDS-002", "DDS-003", "DDS-004", "DDS-006", "DDS-007", "DDS-008", "DDS-011"])
def test_frames_are_those_of_the_vectors(cases, case_id):
    wanted = dict(cases[case_id]["frame"])
    wanted.pop("simulate", None)
    if "appId" in wanted["headers"]:
        wanted["headers"] = wanted["headers"] | {"appId": "app-x"}
    knobs = Knobs(string_times=True)
    assert json.loads(frames.write(of_case(cases[case_id]), "conn-1", "app-x", MS, knobs)) == wanted


@pytest.mark.parametrize("case_id", ["DDS-002", "DDS-003", "DDS-004", "DDS-007", "DDS-008", "DDS-011"])
def test_acks_of_the_vectors_are_accepted(cases, case_id):
    ack = frames.read_ack(json.dumps(cases[case_id]["expect"]["ack"]))
    assert (ack.problem, frames.judge(of_case(cases[case_id]), ack)) == ("", "")
    assert ack.code == cases[case_id]["expect"]["ack"]["code"]
    assert ack.is_later == (case_id == "DDS-004")


def test_times_are_numbers_or_strings_and_headers_may_lose_their_s():
    frame = Frame(CALLBACK, "t", "{}", "m", {"eventBornTime": 5})
    head = json.loads(frames.write(frame, "c", "a", MS, Knobs()))["headers"]
    assert (head["time"], head["eventBornTime"]) == (MS, 5)
    head = json.loads(frames.write(frame, "c", "a", MS, Knobs(string_times=True, header_singular=True)))["header"]
    assert (head["time"], head["eventBornTime"]) == (str(MS), "5")


GOOD = {"code": 200, "message": "OK", "headers": {"messageId": "m", "contentType": "application/json"}, "data": "{}"}


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("no json", "no JSON object"),
        ("[1]", "no JSON object"),
        (json.dumps(GOOD | {"headers": None}), "no headers"),
        (json.dumps(GOOD | {"headers": {"contentType": "application/json"}}), "no messageId"),
        (json.dumps(GOOD | {"headers": {"messageId": "m"}}), "contentType None"),
        (json.dumps(GOOD | {"headers": {"messageId": "m", "contentType": "text/plain"}}), "contentType text/plain"),
        (json.dumps(GOOD | {"code": 201}), "code 201"),
        (json.dumps(GOOD | {"code": "200"}), "code 200"),
        (json.dumps(GOOD | {"code": True}), "code True"),
        (json.dumps(GOOD | {"data": {}}), "no JSON string"),
        (json.dumps(GOOD | {"data": "[]"}), "no JSON string"),
        (json.dumps({name: value for name, value in GOOD.items() if name != "data"}), "no JSON string"),
    ],
)
def test_acks_of_a_wrong_form(raw, problem):
    assert problem in frames.read_ack(raw).problem


@pytest.mark.parametrize(
    ("frame", "data", "problem"),
    [
        (Frame(SYSTEM, "ping", '{"opaque":"7"}', "m"), {"opaque": "7"}, ""),
        (Frame(SYSTEM, "ping", '{"opaque":"7"}', "m"), {}, "echo"),
        (Frame(EVENT, "*", '{"userId":["u"]}', "m"), {"status": "SUCCESS"}, ""),
        (Frame(EVENT, "*", '{"userId":["u"]}', "m"), {"status": "later"}, "SUCCESS nor LATER"),
        (Frame(EVENT, "*", '{"userId":["u"]}', "m"), {}, "SUCCESS nor LATER"),
        (Frame(EVENT, "*", '{"userId":["u"]}', "m"), {"userId": ["u"]}, ""),
        (Frame(CALLBACK, "t", "{}", "m"), {"response": {}}, ""),
        (Frame(CALLBACK, "t", "{}", "m"), {}, "no response"),
    ],
)
def test_acks_that_do_not_fit_their_frame(frame, data, problem):
    ack = frames.read_ack(json.dumps(GOOD | {"data": json.dumps(data)}))
    assert problem in frames.judge(frame, ack)
    assert bool(frames.judge(frame, ack)) == bool(problem)


def test_an_ack_of_failure_needs_no_content():
    ack = frames.read_ack(json.dumps(GOOD | {"code": 500}))
    assert frames.judge(Frame(EVENT, "*", "{}", "m"), ack) == ""
