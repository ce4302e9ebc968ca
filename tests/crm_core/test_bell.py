"""A bell wakes whoever listens, and nobody need."""

from crm_core.bell import Bell


def test_who_listens_is_woken_until_they_listen_no_more() -> None:
    bell, heard = Bell(), []
    bell.ring("a")
    bell.listen("a", lambda: heard.append("a"))
    bell.ring("b")
    bell.ring("a")
    bell.deafen("a")
    bell.ring("a")
    bell.deafen("a")
    assert heard == ["a"]
