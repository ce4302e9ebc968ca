"""From a message to the command of its meaning: open questions first, exact phrases and forms next, then the understanding.

Reading order: `command` (what a command declares), `ChatContext` (what it is given), `Router`.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import iscoroutinefunction
from typing import TypeAlias

from crm_core import access, employees
from crm_core.access import Actor, Role
from crm_core.accounts import AccountRow
from crm_core.activities import Subject
from crm_core.employees import BindCodeWrong
from crm_core.errors import CrmError, Refused
from crm_core.messages import Body, Button, InboundMessage, Kind
from crm_core.ports import Core
from crm_core.values import plain
from handlers import dialogs, presses, replies, sent_things, subjects
from handlers.dialogs import Ask, Dialog
from handlers.missing import first_missing, why_no_time
from handlers.presses import Press
from handlers.replies import Reply
from handlers.speaking import Speaking
from handlers.understanding.intents import INTENTS
from handlers.understanding.parse import parse
from handlers.understanding.shapes import read_shape
from handlers.understood import Understood, said_outright, settle, with_put_aside

EVERYBODY = frozenset(Role)
SELLING = frozenset({Role.SALES, Role.MANAGER, Role.ADMIN})
WORKING = EVERYBODY - {Role.VIEWER}
FORMED_LENGTH = 200
"""Characters up to which words may be a sentence of a fixed form; who says more tells something."""
MARKETING = frozenset({Role.MARKETER, Role.MANAGER, Role.ADMIN})


@dataclass(slots=True)
class ChatContext:
    """Everything a command may use: the core, who speaks, what they said, and asking back."""

    core: Core
    actor: Actor
    account: AccountRow
    message: InboundMessage
    intent: str
    slots: dict[str, object]
    commands: Mapping[str, "Command"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A question may come in between: the record is made of what was said first, not of "2".
        self.slots.setdefault("said", self.message.text)

    @property
    def place(self) -> str:
        """Where open questions, lists and the last record of this conversation are kept."""
        return dialogs.place_of(self.account.id, self.message)

    def slot(self, name: str) -> str:
        """Tell a slot as text, or nothing."""
        value = self.slots.get(name)
        return str(value) if value is not None else ""

    def ask_choice(self, question: str, options: Sequence[tuple[str, str]], slot: str) -> Ask:
        """Make the question to raise: by number; the answer comes back in this slot. Each option is (label, value)."""
        return Ask(Dialog(self.intent, self.slots, question, slot=slot, options=tuple(options)))

    def ask_words(self, question: str, slot: str) -> Ask:
        """Make the question to raise: for one missing thing; the answer comes back in this slot."""
        return Ask(Dialog(self.intent, self.slots, question, slot=slot))

    def ask_yes(
        self,
        question: str,
        slot: str,
        answer: str = "yes",
        buttons: tuple[Button, ...] = (),
        *,
        approval: str = "",
        refusal: Button | None = None,
    ) -> Ask:
        """Make the question to raise: yes or no; a yes comes back as `answer` in this slot, a no ends the matter.

        `buttons` are the same for those who press; each must be safe to press long after the question was closed.
        `approval`: how to approve it later; `refusal`: what a no does (`Dialog`).
        """
        dialog = Dialog(
            self.intent,
            self.slots,
            question,
            slot=slot,
            options=(("是", answer),),
            yes_no=True,
            approval=approval,
            no_intent=refusal.intent if refusal else "",
            no_slots=dict(refusal.slots) if refusal else {},
        )
        return Ask(dialog, buttons)

    async def pick_subject(self, *, kinds: Sequence[str] = ("lead", "contact", "customer")) -> Subject | None:
        """Find whom the slots speak of; asks by number when several fit; None when nobody does."""
        if "subject" in self.slots:
            return await self._speak_of(await subjects.from_slot(self.actor, self.slot("subject")))
        found = await subjects.find(self.actor, person=self.slot("person"), company=self.slot("company"), kinds=kinds)
        if len(found) > 1:
            now = self.core.clock.now()
            options = [(subjects.label(each, now), f"{each.kind}:{each.id}") for each in found[:9]]
            raise self.ask_choice("有几位同名，请回复序号：", options, slot="subject")
        return await self._speak_of(found[0]) if found else None

    async def _speak_of(self, subject: Subject) -> Subject:
        await sent_things.speak_of(self.core, self.place, subject)
        return subject


Handler: TypeAlias = Callable[[ChatContext], Awaitable[Reply]] | Callable[[ChatContext], Reply]
"""A plain function cannot look anything up: what it answers follows from the words and the speaker alone."""
Recogniser = Callable[[Core, Actor, str], Awaitable[dict[str, object] | None]]
"""Tells the slots of a sentence that means the command, by what the house and its settings know; else None."""
UndoHandler = Callable[[ChatContext, tuple[int, ...]], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Command:
    """What may be said, by whom, and what happens then."""

    intent: str
    handler: Handler
    summary: str
    usage: str
    roles: frozenset[Role] = EVERYBODY
    phrases: frozenset[str] = frozenset()
    """Exact words that mean this command, whatever the understanding says."""
    open_to_strangers: bool = False
    undo: tuple[str, UndoHandler] | None = None
    reads: bool = False
    """It changes nothing (but what a shown list means) and never asks: it needs no transaction of its own."""
    forms: tuple[re.Pattern[str], ...] = ()
    """Whole sentences of one fixed form that mean this command; their named groups become slots."""
    recognise: Recogniser | None = None
    at_any_length: bool = False
    """Its forms are a beginning with any text behind it; they must take time in proportion to that."""

    @property
    def is_plain(self) -> bool:
        """Whether it is answered in the very transaction that records the message."""
        return self.reads and not iscoroutinefunction(self.handler)

    async def run(self, ctx: ChatContext) -> Reply:
        """Answer, whichever kind of function does it."""
        reply = self.handler(ctx)
        return reply if isinstance(reply, Reply) else await reply


def command(
    *,
    intent: str,
    usage: str,
    roles: frozenset[Role] = EVERYBODY,
    phrases: Sequence[str] = (),
    open_to_strangers: bool = False,
    undo: tuple[str, UndoHandler] | None = None,
    reads: bool = False,
    forms: Sequence[str] = (),
    recognise: Recogniser | None = None,
    at_any_length: bool = False,
) -> Callable[[Handler], Command]:
    """Declare a command; its docstring is the summary shown in the help. `forms` are regular expressions."""

    def declare(handler: Handler) -> Command:
        summary = (handler.__doc__ or "").strip().splitlines()[0]
        compiled = tuple(re.compile(form) for form in forms)
        words = frozenset(phrases)
        return Command(
            intent, handler, summary, usage, roles, words, open_to_strangers, undo, reads, compiled, recognise, at_any_length
        )

    return declare


class Router:
    """Chooses the command of a message and runs it."""

    def __init__(self, commands: Mapping[str, Command]) -> None:
        self._commands = commands
        self._phrases = {plain(phrase): one.intent for one in commands.values() for phrase in one.phrases}

    async def understand(self, core: Core, message: InboundMessage, who: Speaking) -> Understood:
        """Make sense of a message with what the speaker knows; reads only."""
        account, actor = who.speaker.account, await employees.actor_of_speaker(who.speaker)
        actor = actor.for_pools(core.settings.pools.closed_to(actor.role)) if actor else None
        if presses.is_press(message):
            return await self._understand_press(message, account, actor)
        dialog = who.question
        words = message.text.strip()
        if sent := await sent_things.intent_of(core, dialogs.place_of(account.id, message), message):
            return Understood(message, account, actor, sent, {}, dialog)
        if words.startswith("绑定") or (message.in_group and "绑定" in words):
            return Understood(message, account, actor, "bind", {"words": words})
        intent = self._phrase(words)
        if dialog and (done := said_outright(Understood(message, account, actor, intent, {}, dialog), dialog)):
            return done
        if intent:
            rest = words.partition(" ")[2] if plain(words) not in self._phrases else ""
            return Understood(message, account, actor, intent, {"words": rest.strip()}, dialog)
        shape = read_shape(words)
        if shape and (dialog is None or shape.slots or shape.intent == "next_page"):
            settled = dialog is not None and dialog.approval != "" and dialog.options[0][1] in shape.slots.values()
            return Understood(message, account, actor, shape.intent, dict(shape.slots), dialog, settled=settled)
        if actor and (formed := self._formed(words)):
            return Understood(message, account, actor, *formed, dialog)
        if actor and (recognised := await self._recognised(core, actor, words)):
            return Understood(message, account, actor, *recognised, dialog)
        known = await subjects.known_names(actor, words) if actor else []
        now = core.clock.now()
        meaning = parse(words, now, known)
        understood = Understood(message, account, actor, meaning.intent, dict(meaning.slots), dialog, more=meaning.more)
        return settle(understood, meaning, now, known)

    async def _understand_press(self, message: InboundMessage, account: AccountRow, actor: Actor | None) -> Understood:
        press = await presses.find(message)
        # Where the card stands is where it was pressed: in a group others read along.
        placed = replace(message, address=replace(message.address, conversation=press.conversation))
        intent = press.button.intent if press.button else ""
        slots: dict[str, object] = dict(press.button.slots) if press.button else {}
        return Understood(placed, account, actor, intent, slots, press=press)

    def _phrase(self, words: str) -> str:
        """Find the command of an exact phrase, also with something behind it (帮助 提醒), whatever blanks are in it."""
        return self._phrases.get(plain(words)) or self._phrases.get(words.partition(" ")[0], "")

    def _formed(self, words: str) -> tuple[str, dict[str, object]] | None:
        """Find the command of a sentence of fixed form (A公司 到哪了), with the words in its places."""
        for one in self._commands.values():
            for form in one.forms if len(words) <= FORMED_LENGTH or one.at_any_length else ():
                if found := form.fullmatch(words):
                    return one.intent, {name: text.strip() for name, text in found.groupdict().items() if text}
        return None

    async def _recognised(self, core: Core, actor: Actor, words: str) -> tuple[str, dict[str, object]] | None:
        """Find the command that knows a sentence by names and fields of the house (张伟 预算等级 高)."""
        if len(words) > FORMED_LENGTH:
            return None
        for one in self._commands.values():
            if one.recognise is not None and (slots := await one.recognise(core, actor, words)) is not None:
                return one.intent, slots
        return None

    def only_reads(self, understood: Understood) -> bool:
        """Tell whether `answer` will change nothing, so that it may run without a transaction."""
        found = self._commands.get(understood.intent)
        if found is None or not found.reads or understood.press is not None or understood.dialog is not None:
            return False
        return understood.actor is None or understood.actor.role in found.roles  # a refusal is noted

    def answer_at_once(self, core: Core, message: InboundMessage, who: Speaking) -> Body | None:
        """Answer an exact phrase whose command needs nothing but the speaker, with no question open; None for anything else.

        Whatever is refused, noted or asked takes the longer way.
        """
        staff, intent = who.speaker.staff, self._phrases.get(plain(message.text), "")
        found = self._commands.get(intent)
        if found is None or not found.is_plain or staff is None or who.question or _is_wordless(message):
            return None
        # A plain function sees no rows, so nobody's team has to be looked up for it.
        actor = Actor(role=Role(staff.role), name=staff.name, employee_id=staff.id, team=frozenset({staff.id}))
        if actor.role not in found.roles:
            return None
        ctx = self._context(core, Understood(message, who.speaker.account, actor, intent, {"words": ""}))
        reply = found.handler(ctx)
        return reply.body if isinstance(reply, Reply) and not reply.undo else None

    async def answer(self, core: Core, understood: Understood) -> Reply | None:
        """Run the command in the open transaction and remember what it asks or can undo."""
        message = understood.message
        if understood.press is not None:
            return await self._answer_press(core, understood, understood.press)
        if _is_wordless(message):
            return None
        if not message.text.strip() and understood.intent not in sent_things.INTENTS:
            return replies.text("暂时只能看懂文字和语音，请用一句话说明。")
        ctx = self._context(core, understood)
        if understood.dialog:
            await dialogs.forget(core, ctx.place)
        if understood.intent == "dialog_repeat" and understood.dialog:
            await dialogs.save(core, ctx.place, understood.dialog)
            return replies.text(why_no_time(understood.dialog.slot, message.text, core.clock.now()) + understood.dialog.again())
        try:
            reply = await self._run(ctx, understood)
        except Ask as ask:
            await dialogs.save(core, ctx.place, ask.dialog)
            return with_put_aside(Reply(Body(text=ask.dialog.shown(), buttons=ask.buttons)), understood)
        if reply.undo:
            await dialogs.remember_undo(core, ctx.place, reply.undo)
        reply = with_put_aside(reply, understood)
        if understood.more and understood.intent in self._commands and "several" not in ctx.slots:
            reply = reply.with_note("（一次只处理一项，其余的请分开说）")
        return reply

    async def _answer_press(self, core: Core, understood: Understood, press: Press) -> Reply | None:
        found = self._commands.get(understood.intent)
        if press.button is None or found is None:
            return None
        if understood.actor is None:
            return replies.text("还不认识这个账号。请先私聊机器人绑定：绑定 绑定码")
        if understood.actor.role not in found.roles:
            await access.record(core, understood.actor, "chat.refused", ("commands", None), after={"intent": found.intent})
            return replies.text(Refused().sentence())
        if not await presses.take(core, press):
            return presses.used_up()
        ctx = self._context(core, understood)
        await self._close_answered(ctx, press.button)
        reply = await found.run(ctx)
        if reply.undo:
            await dialogs.remember_undo(core, ctx.place, reply.undo)
        return presses.shown(reply)

    async def _close_answered(self, ctx: ChatContext, button: Button) -> None:
        """Close the question the card asked, if it is still open; any other one stays."""
        dialog = await dialogs.load(ctx.core, ctx.place)
        if dialog and dialog.yes_no and dialog.options[0][1] in button.slots.values():
            await dialogs.forget(ctx.core, ctx.place)

    async def after_refusal(self, core: Core, understood: Understood, error: CrmError) -> None:
        """Keep what must be kept although the command was undone: a wrong bind code is counted, a refused try written down."""
        message = understood.message
        if understood.dialog is not None and not understood.settled:
            # What was refused was no answer: the question is put aside by it as by anything else that was said.
            await self.forget_question(core, understood.account, message)
        if isinstance(error, BindCodeWrong):
            await employees.count_wrong_try(core, message.address)
        elif isinstance(error, Refused) and understood.actor is not None:
            after = {"intent": understood.intent, "code": error.code}
            await access.record(core, understood.actor, "chat.refused", ("commands", None), after=after)

    async def forget_question(self, core: Core, account: AccountRow, message: InboundMessage) -> None:
        """Close the open question of a conversation."""
        await dialogs.forget(core, dialogs.place_of(account.id, message))

    def _context(self, core: Core, understood: Understood) -> ChatContext:
        actor = understood.actor or Actor(role=Role.VIEWER, name="stranger", team=frozenset({-1}), employee_id=-1)
        return ChatContext(
            core, actor, understood.account, understood.message, understood.intent, understood.slots, self._commands
        )

    async def _run(self, ctx: ChatContext, understood: Understood) -> Reply:
        found = self._commands.get(understood.intent)
        if understood.actor is None and not (found and found.open_to_strangers):
            return replies.text("还不认识这个账号。请向管理员索取绑定码，然后回复：绑定 绑定码")
        if found is None:
            return self._not_yet(understood)
        if understood.actor and understood.actor.role not in found.roles:
            await access.record(ctx.core, understood.actor, "chat.refused", ("commands", None), after={"intent": found.intent})
            return replies.text(Refused().sentence())
        if not understood.sure:
            return replies.text(f"没太听懂。是想「{found.summary}」吗？可以这样说：{found.usage}")
        _ask_for_missing(ctx)
        return await found.run(ctx)

    def _not_yet(self, understood: Understood) -> Reply:
        declared = INTENTS.get(understood.intent)
        if declared is not None and understood.intent != "unknown":
            return replies.text(f"听懂了，是「{declared.label}」，但这项功能还没有开通。回复「帮助」看看现在能做什么。")
        near = nearest(understood.message.text, self._commands, understood.actor)
        examples = "\n".join(f"· {one.usage}" for one in near)
        return replies.text(f"没听懂。可以这样说：\n{examples}\n回复「帮助」看全部。")


_NEVER_OFFERED = frozenset({"bind", "cancel", "confirm", "deny", "undo", "help"})


def nearest(words: str, commands: Mapping[str, Command], actor: Actor | None) -> list[Command]:
    """Offer the two commands whose example shares most characters with what was said."""
    usable = [
        one for one in commands.values() if one.intent not in _NEVER_OFFERED and (actor is None or actor.role in one.roles)
    ]
    first = {"log_follow_up": 0, "set_reminder": 1, "list_pool": 2}
    return sorted(usable, key=lambda one: (-len(set(words) & set(one.usage + one.summary)), first.get(one.intent, 9)))[:2]


def _is_wordless(message: InboundMessage) -> bool:
    return message.kind in (Kind.EVENT, Kind.OTHER) or "error_code" in message.data


def _ask_for_missing(ctx: ChatContext) -> None:
    found = first_missing(ctx.intent, ctx.slots, ctx.message.text, ctx.core.clock.now())
    if found is not None:
        raise ctx.ask_words(*found)
