"""Bodies of robot messages as the application gets them: who wrote, where, and how to answer there.

Source: protocols.md section 4.2.
"""

import secrets
from itertools import count

from bot.simulator.dingtalk.state import DingTalkState, Session, Staff
from bot.simulator.records import Json

ALONE_ONLY = frozenset({"audio", "video", "file"})
BOT_ID = "$:LWCP_v1:$simbot"
QUOTA_NOTICE: Json = {"errorCode": 20001, "errorMessage": "调用次数超过限制"}


class Inbound:
    """Makes the bodies of one robot."""

    def __init__(self, state: DingTalkState) -> None:
        self._state = state
        self._ids = count(1)

    def make(self, staff_id: str, fields: Json, group: str | None) -> Json:
        """Make a message of a person, alone with the robot or in a group.

        Raises: ValueError for a voice message, video or file in a group, which the robot does not hear there.
        """
        if group is not None and fields.get("msgtype") in ALONE_ONLY:
            raise ValueError(f"{fields['msgtype']} reaches the robot in one-to-one chats only")
        person = self._state.ensure_staff(staff_id)
        if group is not None:
            self._state.groups.setdefault(group, group)
        used_up = self._state.limits.is_month_used_up()
        return self._head(person, group) | (QUOTA_NOTICE if used_up else fields)

    def _head(self, person: Staff, group: str | None) -> Json:
        state, app = self._state, self._state.app
        conversation = group or f"cidSim{person.staff_id}=="
        stamp = int(state.clock.stamp() * 1000)
        session, lifetime = secrets.token_hex(16), state.options.session_webhook_seconds
        ends_at = state.clock.seconds() + lifetime
        state.sessions[session] = Session(conversation, person.staff_id, group is not None, ends_at)
        body: Json = {
            "conversationId": conversation,
            "conversationType": "1" if group is None else "2",
            "msgId": f"msgSim{next(self._ids)}{secrets.token_hex(4)}==",
            "createAt": stamp,
            "senderId": f"$:LWCP_v1:$sim{person.staff_id}",
            "senderNick": person.nick,
            "senderCorpId": app.corp_id,
            "isAdmin": person.is_admin,
            "chatbotUserId": BOT_ID,
            "chatbotCorpId": app.corp_id,
            "robotCode": app.robot_code,
            "sessionWebhook": f"{state.base_url}/robot/sendBySession?session={session}",
            "sessionWebhookExpiredTime": stamp + int(lifetime * 1000),
            "senderPlatform": "Mac",
        }
        if not person.outsider:
            body["senderStaffId"] = person.staff_id
        if group is None:
            return body
        at_users = [{"dingtalkId": BOT_ID}]
        return body | {"conversationTitle": state.groups[group], "isInAtList": True, "atUsers": at_users}
