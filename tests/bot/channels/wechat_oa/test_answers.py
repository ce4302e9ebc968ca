"""The passive answer: its trees, its forms."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels.wechat_oa.answers import AnswerContext, reply_fields, write_reply
from bot.envelope_xml import parse_xml, write_xml
from crm_core.messages import Article, Body, Kind
from tests.bot.channels.vectors import Case, case_id, cases

NOW = datetime.fromtimestamp(1795161600, UTC)
CONTEXT = AnswerContext("oQ7wXv0aBcDeFgHiJkLmNoPqRs1", "gh_3b1f0c9d7e52", "n", is_json=False, is_event=False)
REPLIES = cases("replies.json", "reply-xml")
OURS = [case for case in REPLIES if case["input"]["type"] in ("text", "image", "voice", "news")]
OTHERS = [case for case in REPLIES if case not in OURS]


def body_of(asked: dict[str, Any]) -> Body:
    articles = tuple(Article(one["title"], one["description"], one["pic_url"], one["url"]) for one in asked.get("articles", ()))
    return Body(Kind(asked["type"]), asked.get("content", ""), media_id=asked.get("media_id", ""), articles=articles)


@pytest.mark.parametrize("case", OURS, ids=case_id)
def test_reply_is_that_of_the_platform(case: Case) -> None:
    written = write_reply(CONTEXT, reply_fields(body_of(case["input"])), NOW)
    assert parse_xml(written.encode()) == parse_xml(case["expect"]["xml_equivalent"].encode())


@pytest.mark.parametrize("case", OTHERS, ids=case_id)
def test_other_trees_are_written_like_the_platform_writes_them(case: Case) -> None:
    tree = parse_xml(case["expect"]["xml_equivalent"].encode())
    assert parse_xml(write_xml(tree).encode()) == tree


def test_json_reply_has_the_same_names_and_numbers() -> None:
    context = AnswerContext("o1", "gh", "n", is_json=True, is_event=True)
    articles = (Article("一"), Article("二"))
    written = json.loads(write_reply(context, reply_fields(Body(Kind.NEWS, articles=articles)), NOW))
    assert written["CreateTime"] == 1795161600
    assert [item["Title"] for item in written["Articles"]] == ["一", "二"]
    assert written["ArticleCount"] == 2


def test_what_cannot_be_shown_falls_back_to_its_text_or_to_nothing() -> None:
    assert reply_fields(Body(Kind.TEMPLATE, "文字")) == {"MsgType": "text", "Content": "文字"}
    assert reply_fields(Body(Kind.IMAGE)) == {}
    assert reply_fields(Body()) == {}
