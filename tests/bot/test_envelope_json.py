"""Strict JSON: what is read, what is refused, within which time and memory."""

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channel import BadRequest
from bot.envelope_json import MAX_DEPTH, parse_object

MIB = 1024 * 1024
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def test_an_object_is_read_and_control_characters_are_dropped() -> None:
    body = '\ufeff{"a": "你\\u0000\\u001d\x0b好", "b": [1, 2.5, true, null], "c": {"d": "x\ny"}}'
    assert parse_object(body.encode()) == {"a": "你好", "b": [1, 2.5, True, None], "c": {"d": "x\ny"}}


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse_object(rb'{"a": "\ud83d\ude00"}') == {"a": "😀"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[1,2]",
        b'"a"',
        b"{",
        b"{}{}",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 10_000 + b"}",
        b'{"a": ' + b"9" * 21 + b"}",
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "a": 2}}',
        rb'{"a": "\ud800"}',
        rb'{"\udfff": 1}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        '{"a": 1}'.encode("utf-16"),
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_object(body)


def test_depth_is_capped_and_just_below_is_read() -> None:
    deep = MAX_DEPTH - 1
    assert parse_object(b'{"a":' + b"[" * deep + b"]" * deep + b"}")
    for depth in (deep + 1, 500, 5000):
        with pytest.raises(BadRequest):
            parse_object(b'{"a":' + b"[" * depth + b"]" * depth + b"}")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' + b"[" * MIB,
        b'{"a":' * (MIB // 5),
        b'{"a":[' + b"{}," * (MIB // 3),
        b'{"a":[' + b"0," * (MIB // 2),
        b"{" + b",".join(b'"%d":1' % number for number in range(MIB // 12)) + b"}",
        b'{"a":"' + b"a" * MIB,
        b'{"a":"' + rb"\u0001" * (MIB // 6) + b"\xff",
        b" " * MIB,
    ],
)
def test_a_huge_hostile_body_costs_little(body: bytes) -> None:
    """The promise is 50 ms and 16 MiB on a quiet machine; the time here leaves room for a busy one."""
    began = time.perf_counter()
    with pytest.raises(BadRequest):
        parse_object(body)
    assert time.perf_counter() - began < 0.5
    tracemalloc.start()
    with pytest.raises(BadRequest):
        parse_object(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * MIB


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for candidate in (body, b'{"a":' + body + b"}"):
        try:
            parse_object(candidate)
        except BadRequest:
            continue


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_json_writes_is_read(value: dict[str, object]) -> None:
    read = parse_object(json.dumps(value).encode())
    assert len(json.dumps(read)) <= len(json.dumps(value))
