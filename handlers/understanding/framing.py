"""What people put around a sentence without meaning anything by it: "嗯 那个，…", "… 哈 谢谢😊"."""

import re

# Only with a break behind it: "那个张伟" is no filler.
HEAD = re.compile(
    r"(?:[\s,，.。…!！]*(?:嗯+|恩+|呃+|额+|哦+|噢+|啊+|唔+|那个啥?|那啥|这个|喂|哎+|诶|唉|哈喽|哈啰|你好|您好|大家好|hi|hello|hey|亲|小助手|助手|小秘书|"
    r"机器人|在吗|在不在|话说|对了|还有就是|就是说?|然后呢?|另外|是这样的?|跟你说个?事?|麻烦(?:你|了)?|打扰了?|早上好|下午好|晚上好)"
    r"(?=[\s,，、。.…:：!！])[\s,，、。.…:：!！~～]*)+",
    re.IGNORECASE,
)
SMILEYS = r"[\U0001f600-\U0001f64f\U0001f900-\U0001f93a\U0001f970-\U0001f97a🙏🌹🌸🎉🎊💪❤️💕✨🔥💯🥳🤝☺]"
TAIL = re.compile(
    rf"(?:[\s,，.。…!！~～]+|(?<=[^\s])(?:哈+|哦+|噢|啦|呀|咯|呗|喔|哟|噻)(?=[\s,，.。…!！~～]|$|谢|{SMILEYS})|{SMILEYS}|"
    r"(?:谢谢|谢了|多谢|感谢|辛苦|麻烦|拜托)(?:了|啦|你|您|哈|啊|谢谢)*)+$"
)
# What is left must still say something.
SHORTEST = 2


def inside(text: str) -> str:
    """Return the sentence without the fillers around it; all of it when nothing would be left."""
    head = HEAD.match(text)
    kept = text[head.end() :] if head else text
    tail = TAIL.search(kept)
    kept = kept[: tail.start()] if tail else kept
    return kept if len(kept.strip()) >= SHORTEST else text
