"""Cutting out, the skeleton, and the way back to the speaker's words."""

from handlers.understanding.mentions import MONEY, PERSON, Mention, Sentence


def test_skeleton_has_one_sign_a_mention_and_leads_back():
    sentence = Sentence("跟张伟谈５０万")
    sentence.take(Mention(PERSON, 1, 3, "张伟"))
    sentence.take(Mention(MONEY, 4, 7, "x"))
    sentence.build()
    assert sentence.skeleton == f"跟{PERSON}谈{MONEY}"
    assert sentence.raw[sentence.at(3) : sentence.at(4)] == "５０万"


def test_words_can_leave_mentions_out():
    sentence = Sentence("明天 联系张伟")
    when = Mention("t", 0, 2, None)
    assert sentence.text(0, 7, [when]) == " 联系张伟"
    assert sentence.text(1, 7, [when]) == " 联系张伟"
