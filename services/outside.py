"""People whom a single sign-on provider has recognised: who is let in, with which role."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.accounts import Accounts
from services.database import User
from services.errors import UserError
from services.people import LastAdminError, plain_email


class NotAdmittedError(UserError):
    """The provider knows the person, this site does not let them in."""


@dataclass(frozen=True)
class Identity:
    """What a provider says of a person. `subject` names them for ever, with the provider; `verified` is about email."""

    subject: str
    email: str
    name: str
    groups: Collection[str]
    verified: bool


class Outside:
    """Lets recognised people in: `roles` maps groups to roles, the first that fits counts; no `domains` means any."""

    def __init__(
        self, engine: sa.Engine, accounts: Accounts, roles: Sequence[tuple[str, str]], domains: Collection[str]
    ) -> None:
        self._engine, self._accounts, self._roles = engine, accounts, roles
        self._domains = {domain.lower() for domain in domains}

    def admit(self, who: Identity) -> str:
        """Return the address of the person's account, made now for somebody new, who sees no rows yet.

        The groups decide about the role at each sign-in. Raises NotAdmittedError with what to do.
        """
        email, role = plain_email(who.email), self._role(who)
        if self._domains and email.rpartition("@")[2] not in self._domains:
            raise NotAdmittedError(f"{email} is of a domain that this site does not let in. Ask an admin.")
        with Session(self._engine) as session:
            known = session.scalar(sa.select(User).where(User.subject == who.subject))
            named = session.scalar(sa.select(User).where(User.email == email))
        if known is not None:
            return self._with_role(known, role)
        if not who.verified:
            raise NotAdmittedError("The provider has not verified your e-mail address. Ask an admin.")
        if named is None:
            self._accounts.add(email, who.name or email, role)
            self._accounts.record("user added", email, "", f"by single sign-on as {role}: no rows yet")
        elif named.subject is not None:
            raise NotAdmittedError(f"{email} belongs to another person of the provider here. Ask an admin.")
        with Session(self._engine) as session:
            session.execute(sa.update(User).where(User.email == email).values(subject=who.subject))
            session.commit()
        return self._with_role(named, role) if named else email

    def _role(self, who: Identity) -> str:
        found = next((role for group, role in self._roles if group in who.groups), None)
        if found is None:
            raise NotAdmittedError("None of your groups is let in here. Ask an admin which group you need.")
        return found

    def _with_role(self, user: User, role: str) -> str:
        if user.role != role:
            try:
                self._accounts.set_role(user.email, role)
            except LastAdminError:
                return user.email
            self._accounts.record("role changed", user.email, "", f"{user.role} to {role} by groups of single sign-on")
        return user.email
