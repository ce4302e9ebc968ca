"""Whose accounts and messages an actor may see: those of the people among their own records."""

from typing import Any

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from crm_core import access
from crm_core.access import Actor
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.customers import Contact
from crm_core.employees import Employee
from crm_core.leads import Lead


def visible_accounts(actor: Actor) -> "QuerySet[Account]":
    """Select the accounts of people this actor may see, the own ones and their team's among them."""
    if actor.sees_all:
        return Account.all()
    theirs: list[QuerySet[Any]] = [
        access.visible(Lead, actor),
        access.visible(Contact, actor),
        Employee.filter(id__in=list(actor.team)),
    ]
    found = Q()
    for people in theirs:
        found |= Q(person_id__in=Subquery(people.values("person_id")))
    return Account.filter(found)


def visible_messages(actor: Actor) -> "QuerySet[Message]":
    """Select the messages of those accounts."""
    if actor.sees_all:
        return Message.all()
    return Message.filter(account_id__in=Subquery(visible_accounts(actor).values("id")))
