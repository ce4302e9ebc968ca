"""The declarations of the intents."""

from handlers.understanding.intents import INTENTS, intent_of
from handlers.understanding.slots import READERS

WITHOUT_SLOTS = {"help", "cancel", "confirm", "deny", "unknown"}


def test_every_intent_has_a_reader_a_label_and_an_example():
    assert set(READERS) | WITHOUT_SLOTS == set(INTENTS)
    for intent in INTENTS.values():
        assert intent.label
        assert intent.example or intent.name == "unknown"


def test_examples_are_understood_as_their_intent_with_all_they_need(understand):
    for intent in INTENTS.values():
        if intent.example:
            meaning = understand(intent.example)
            assert (meaning.intent, intent.missing(meaning.slots)) == (intent.name, ()), intent.example
            assert meaning.confidence >= 0.6


def test_missing_slots_are_named():
    assert intent_of("set_reminder").missing({"at": "x"}) == (("action",),)
    assert intent_of("log_follow_up").missing({"company": "x"}) == ()
