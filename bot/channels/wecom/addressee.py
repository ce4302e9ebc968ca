"""Whom an authentic document of WeCom is for; the keys of one corporation may serve several of its applications."""

import structlog

from bot.channel import Forbidden
from bot.document_fields import Tree, text

log = structlog.get_logger(__name__)


def check_addressee(tree: Tree, corp_id: str, agent_id: int | None = None) -> None:
    """Refuse a document that names another corporation or application than ours.

    Customer contact and customer service send no AgentID, third-party suites no ToUserName: what names nobody passes.

    Raises: Forbidden; BadRequest (no plain value).
    """
    if text(tree, "ToUserName") not in ("", corp_id):
        raise _foreign("corp_id")
    if agent_id is not None and text(tree, "AgentID").strip() not in ("", str(agent_id)):
        raise _foreign("agent_id")


def _foreign(setting: str) -> Forbidden:
    # Only the platform gets this far, so a setting is wrong here or there, and the operator must know which.
    log.warning("callback_for_another", setting=setting)
    return Forbidden(setting)
