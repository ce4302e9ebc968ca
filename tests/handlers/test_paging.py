"""Where the next page of a list begins."""

from handlers import paging


async def test_what_was_shown_last_is_remembered_and_forgotten(core):
    assert await paging.recall(core, "1") == {}
    await paging.remember(core, "1", "search", {"after": 7})
    assert await paging.recall(core, "1") == {"what": "search", "after": 7}
    await paging.remember(core, "1", "search", None)
    assert await paging.recall(core, "1") == {}
