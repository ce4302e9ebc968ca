"""Stages of an opportunity as people name them: 初步接触, 需求确认, 报价阶段, 商务谈判, 走合同, 赢单, 丢单."""

import re

NAMED = (
    ("initial", "初步接触|初次接触|初步沟通|刚接触|初访"),
    ("qualified", "需求确认|确认需求|确定需求|需求明确|立项|需求分析|需求调研"),
    ("proposal", "方案报价|方案阶段|报价阶段|方案|报价|提案"),
    ("negotiation", "商务谈判|合同谈判|谈判|议价|商务洽谈|砍价阶段|商谈|商务"),
    ("contract", "走合同|合同流程|合同签订|签约|合同审批|签合同|合同"),
    ("won", "赢单|成交|成单|签单"),
    ("lost", "输单|丢单|失单|战败|流失"),
)
ANY = "|".join(words for _, words in NAMED)
# Words that make even a weak name (报价, 合同) a stage.
MOVE = (
    r"(?:推进|推|进入|进到|进行|转入|转到|转|(?<![聊谈说讲问提看遇])到了?|改成|改为|改到|更新为|更新到|"
    r"更新成|调整为|调到|变成|变为|升到|升级到|走到|卡在|停在|处于|在|阶段(?:是|"
    r"到|改成|改为)?|开始|已经|准备)(?:了)?(?:到|成|为|入|至)?"
)
MOVED = re.compile(rf"{MOVE}\s?(?P<name>{ANY})(?:阶段|环节|流程|期)?")
STAGED = re.compile(rf"(?P<name>{ANY})(?:的)?(?:阶段|环节|流程)")
# Names that are a stage by themselves wherever they stand.
STRONG = re.compile(
    r"初步接触|需求确认|确认需求|立项|方案报价|商务谈判|议价|走合同|赢单|成交(?!价|"
    r"额|金额)|输单|丢单|成单"
)
NEGATED = re.compile(r"(?:没|未|不|还没|尚未|没有|别|无法)(?:能|有|到|进入?)?$")


def stage_named(name: str) -> str | None:
    """Return the stage of one of its names."""
    for stage, names in NAMED:
        if name in names.split("|"):
            return stage
    return None


def find_stage(text: str, *, loose: bool = False) -> str | None:
    """Return the stage a text names; `loose` takes any stage word, as in a command about a stage."""
    patterns = (
        [STAGED, STRONG, MOVED]
        if loose
        else [
            STAGED,
            STRONG,
            re.compile(
                rf"(?:推进到|推到|进入|进到|进行到|转到|走到|卡在|(?<![聊谈说讲问提看遇])到了?|处于)(?P<name>{ANY})(?:了|"
                rf"阶段|环节|流程|$|[\s,，。])"
            ),
        ]
    )
    for pattern in patterns:
        for match in pattern.finditer(text):
            if NEGATED.search(text[: match.start()]):
                continue
            name = match.groupdict().get("name") or match[0]
            return stage_named(name)
    any_name = re.search(ANY, text) if loose else None
    return stage_named(any_name[0]) if any_name else None
