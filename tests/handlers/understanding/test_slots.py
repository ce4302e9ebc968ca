"""The table of readers."""

from handlers.understanding.intents import INTENTS
from handlers.understanding.mentions import Sentence
from handlers.understanding.slots import READERS


def test_readers_belong_to_declared_intents_and_bear_empty_sentences(now):
    assert set(READERS) <= set(INTENTS)
    for reader in READERS.values():
        sentence = Sentence("")
        sentence.build()
        assert isinstance(reader(sentence, now), dict)


def test_contact_shown_is_the_one_named(understand):
    assert understand("看下张伟的资料").slots == {"person": "张伟"}
