"""Calls about group-send tasks: make, remind, cancel, and poll what became of them.

Source: protocols.md section 3.4, group-send task.
"""

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.contents import CONTENT_KINDS, check_content
from bot.simulator.wecom.group_sends import (
    NOT_A_FRIEND,
    RECEIVED_ENOUGH,
    SENT,
    TASK_SENT,
    GroupSend,
    GroupSends,
    MemberTask,
    ReceiveLimit,
    Receiver,
)
from bot.simulator.wecom.shapes import FLAG, bad_parameter, page_of, read_limit
from bot.simulator.wecom.state import CONTACT, OK, PLATFORM, PREFIX, WeComState

MOST_CUSTOMERS, MOST_GROUPS = 10_000, 2_000
TAGS_OF_A_FILTER = 100
REMINDERS, REMINDER_SECONDS = 3, 24 * 3600.0
LONGEST_SPAN_SECONDS = 31 * 86_400
TEMPLATE_KINDS: dict[str, type | tuple[type, ...]] = {
    **CONTENT_KINDS,
    "chat_type": str,
    "external_userid": list,
    "chat_id_list": list,
    "tag_filter": dict,
    "sender": str,
    "allow_select": FLAG,
}
LIST_KINDS: dict[str, type | tuple[type, ...]] = {
    "chat_type": str,
    "start_time": int,
    "end_time": int,
    "creator": str,
    "filter_type": int,
    "limit": int,
    "cursor": str,
}
Plan = dict[str, list[str]]  # member to customers or groups


class GroupSendApi:
    """The calls about group sends, and the members' part in them."""

    def __init__(self, state: WeComState) -> None:
        self._state = state
        self._limit = ReceiveLimit(state.options, state.clock)
        self.sends = GroupSends()

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            f"{PREFIX}/externalcontact/add_msg_template": self.add,
            f"{PREFIX}/externalcontact/remind_groupmsg_send": self.remind,
            f"{PREFIX}/externalcontact/cancel_groupmsg_send": self.cancel,
            f"{PREFIX}/externalcontact/get_groupmsg_list_v2": self.list_sends,
            f"{PREFIX}/externalcontact/get_groupmsg_task": self.list_tasks,
            f"{PREFIX}/externalcontact/get_groupmsg_send_result": self.list_results,
        }

    def add(self, call: Call) -> Json:
        """Make tasks; nothing is sent before a member confirms."""
        state = self._state
        fields = state.read(call, TEMPLATE_KINDS, scopes=CONTACT)
        text = check_content(fields, state.media.has)
        chat_type = fields.get("chat_type") or "single"
        if chat_type not in ("single", "group"):
            raise bad_parameter("invalid chat_type")
        plan, failed = self._plan_groups(fields) if chat_type == "group" else self._plan_customers(fields)
        if not any(plan.values()):
            raise errcode(41048, "no customer to send, hint: [simulated]", fail_list=failed)
        message_id = state.make_id("msgSimGroup")
        tasks = {userid: MemberTask(userid, [Receiver(key) for key in keys]) for userid, keys in plan.items() if keys}
        content = {name: fields[name] for name in ("text", "attachments") if fields.get(name)}
        made = GroupSend(message_id, chat_type, fields.get("sender") or "", self._now(), content, text, tasks)
        self.sends.add(made)
        for userid in tasks:
            state.records.shown(PLATFORM, userid, f"群发任务待确认：{text}")
        return {**OK, "fail_list": failed, "msgid": message_id}

    def remind(self, call: Call) -> Json:
        """Remind the members who have not confirmed; three times within 24 hours."""
        send = self._load(call, {"msgid": str})[0]
        now = self._state.clock.seconds()
        send.reminded_at = [at for at in send.reminded_at if at > now - REMINDER_SECONDS]
        if len(send.reminded_at) >= REMINDERS:
            raise errcode(45009, "api freq out of limit, hint: [simulated]")
        send.reminded_at.append(now)
        for userid, task in send.tasks.items():
            if task.status != TASK_SENT and not send.cancelled:
                self._state.records.shown(PLATFORM, userid, f"群发任务提醒：{send.text}")
        return OK

    def cancel(self, call: Call) -> Json:
        """Take back what no member has confirmed yet."""
        self._load(call, {"msgid": str})[0].cancelled = True
        return OK

    def list_sends(self, call: Call) -> Json:
        """List the group sends of a time, page by page."""
        needed = ("chat_type", "start_time", "end_time")
        fields = self._state.read(call, LIST_KINDS, needed=needed, scopes=CONTACT)
        start, end = int(fields["start_time"]), int(fields["end_time"])
        if not 0 <= end - start <= LONGEST_SPAN_SECONDS:
            raise bad_parameter("the span of time is longer than a month")
        rows = self.sends.made_between(fields["chat_type"], start, end)
        if fields.get("creator"):
            rows = [row for row in rows if row.creator == fields["creator"]]
        page, cursor = page_of(rows, fields.get("cursor"), read_limit(fields, 100, 50))
        return {**OK, "next_cursor": cursor, "group_msg_list": [row.describe() for row in page]}

    def list_tasks(self, call: Call) -> Json:
        """List the members' tasks of a group send."""
        send, fields = self._load(call, {"msgid": str, "limit": int, "cursor": str})
        tasks = list(send.tasks.values())
        page, cursor = page_of(tasks, fields.get("cursor"), read_limit(fields, 1000, 500))
        return {**OK, "next_cursor": cursor, "task_list": [task.describe() for task in page]}

    def list_results(self, call: Call) -> Json:
        """List what became of a member's receivers."""
        kinds = {"msgid": str, "userid": str, "limit": int, "cursor": str}
        send, fields = self._load(call, kinds, needed=("msgid", "userid"))
        task = send.tasks.get(self._state.directory.load(fields["userid"]).userid)
        rows = [] if task is None else send.describe_receivers(task)
        page, cursor = page_of(rows, fields.get("cursor"), read_limit(fields, 1000, 500))
        return {**OK, "next_cursor": cursor, "send_list": page}

    def confirm(self, message_id: str, userid: str | None = None, only: list[str] | None = None) -> int:
        """Let a member, or every one, confirm; gives how many were reached. `only` as the member chose."""
        send = self.sends.find(message_id)
        if send is None or send.cancelled:
            raise ValueError(f"no open group send {message_id}")
        tasks = list(send.tasks.values()) if userid is None else [send.tasks[userid]]
        return sum(self._confirm_task(send, task, only) for task in tasks if task.status != TASK_SENT)

    def ignore(self, message_id: str, userid: str) -> None:
        """Let a member leave a task alone."""
        send = self.sends.find(message_id)
        if send is None:
            raise ValueError(f"no group send {message_id}")
        send.tasks[userid].ignored = True

    def _confirm_task(self, send: GroupSend, task: MemberTask, only: list[str] | None) -> int:
        records, now = self._state.records, self._now()
        task.status, task.sent_at = TASK_SENT, now
        reached = 0
        for receiver in task.receivers:
            if only is not None and receiver.key not in only:
                continue
            receiver.status = self._outcome(send, task, receiver.key)
            if receiver.status == SENT:
                receiver.sent_at, reached = now, reached + 1
                body = {**send.content, "sender": task.userid}
                records.delivered(PLATFORM, receiver.key, "group_send", "text", send.text, send.message_id, body)
        return reached

    def _outcome(self, send: GroupSend, task: MemberTask, key: str) -> int:
        relations = self._state.relations
        if send.chat_type == "group":
            group = relations.groups.get(key)
            reachable = group is not None and not group.dismissed
        else:
            reachable = relations.find(task.userid, key) is not None
        if not reachable:
            return NOT_A_FRIEND
        return SENT if self._limit.takes(key) else RECEIVED_ENOUGH

    def _plan_customers(self, fields: Json) -> tuple[Plan, list[str]]:
        relations = self._state.relations
        wanted = [str(key) for key in fields.get("external_userid") or []]
        sender = fields.get("sender") or ""
        if len(wanted) > MOST_CUSTOMERS:
            raise bad_parameter("too many external_userid")
        if not wanted and not sender:
            raise bad_parameter("external_userid and sender are both missing")
        userid = self._state.directory.load(sender).userid if sender else ""
        if not wanted:
            return {userid: self._filtered(userid, fields.get("tag_filter"))}, []
        plan: Plan = {}
        failed = []
        for key in dict.fromkeys(wanted):
            members = relations.members_of(key)
            chosen = userid if userid in members else "" if userid else members[-1] if members else ""
            if chosen:
                plan.setdefault(chosen, []).append(key)
            else:
                failed.append(key)
        return plan, failed

    def _filtered(self, userid: str, tag_filter: Json | None) -> list[str]:
        groups = (tag_filter or {}).get("group_list") or []
        wanted = [set(group.get("tag_list") or []) for group in groups]
        if any(len(tags) > TAGS_OF_A_FILTER for tags in wanted):
            raise bad_parameter("too many tags in tag_filter")
        relations = self._state.relations
        customers = relations.customers_of(userid)
        return [key for key in customers if all(tags & set(relations.load(userid, key).tag_ids) for tags in wanted)]

    def _plan_groups(self, fields: Json) -> tuple[Plan, list[str]]:
        if not fields.get("sender"):
            raise bad_parameter("sender is missing")
        userid = self._state.directory.load(fields["sender"]).userid
        groups = self._state.relations.groups
        own = [key for key, group in groups.items() if group.owner == userid and not group.dismissed]
        wanted = [str(key) for key in fields.get("chat_id_list") or []]
        if len(wanted) > MOST_GROUPS:
            raise bad_parameter("too many chat_id")
        failed = [key for key in wanted if key not in own]
        return {userid: [key for key in wanted if key in own] if wanted else own}, failed

    def _load(self, call: Call, kinds: dict[str, type], needed: tuple[str, ...] = ("msgid",)) -> tuple[GroupSend, Json]:
        fields = self._state.read(call, kinds, needed=needed, scopes=CONTACT)
        send = self.sends.find(fields["msgid"])
        if send is None:
            raise errcode(41047, "invalid msgid, hint: [simulated]")
        return send, fields

    def _now(self) -> int:
        return int(self._state.clock.seconds())
