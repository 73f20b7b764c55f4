"""What admins do with people: invite, change, look with their eyes. Each step is in the audit log."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from services import circumstances
from services.access import EVERYTHING, NOTHING, Permission, Role, RowScope, Viewer
from services.accounts import Account, Accounts
from services.errors import UserError
from services.links import INVITE, RESET, Links
from services.mail import Mail
from services.people import plain_email
from services.sales import Sales
from services.scopes import check_values, read_rules
from services.tokens import Token, Tokens
from services.usage import UsageLog

MOST_IMPORTED = 1_000
COLUMNS = ("email", "name", "role", "rows")
WORDS = {INVITE: "invitation", RESET: "reset"}


@dataclass(frozen=True)
class Handed:
    """A one-time link just made, for the admin to hand on; `mailed` says whether it was sent as well."""

    email: str
    link: str
    purpose: str
    mailed: bool


@dataclass(frozen=True)
class ImportRow:
    """A line of a list of people; `problem` says why it cannot be taken, or is ""."""

    line: int
    email: str
    name: str
    role: str
    scope: RowScope
    problem: str


class Administration:
    """Every method asks for the permission to manage people; `facts` are the settings as they may be shown."""

    def __init__(
        self,
        engine: sa.Engine,
        accounts: Accounts,
        mail: Mail,
        sales: Sales,
        usage: UsageLog,
        facts: Sequence[tuple[str, str, str]] = (),
    ) -> None:
        self.accounts, self.usage, self.facts, self._mail, self._sales = accounts, usage, facts, mail, sales
        self.links, self._tokens = Links(engine, accounts), Tokens(engine, accounts)

    def people(self, viewer: Viewer, search: str = "", sort: str = "email") -> list[Account]:
        """Return people whose address, name, role or rows hold the words, sorted by a column; "-" turns it round."""
        viewer.require(Permission.USERS_MANAGE)
        words = search.lower().split()
        found = [each for each in self.accounts.list() if all(word in _text(each) for word in words)]
        key = SORTS.get(sort.removeprefix("-"), SORTS["email"])
        return sorted(found, key=key, reverse=sort.startswith("-"))

    def invite(self, viewer: Viewer, email: str, name: str, role: str, scope: RowScope) -> Handed:
        """Add a person and return the link by which they choose a password."""
        viewer.require(Permission.USERS_MANAGE)
        address = plain_email(email)
        check_values(self._sales, scope, viewer)
        self.accounts.add(address, name or address, role, scope=scope)
        self._record(viewer, "user added", f"{address} as {role}: {scope.describe()}")
        return self._hand(viewer, address, INVITE)

    def reset(self, viewer: Viewer, email: str) -> Handed:
        """Return a link by which a person chooses a new password; the old one works until then."""
        viewer.require(Permission.USERS_MANAGE)
        return self._hand(viewer, plain_email(email), RESET)

    def set_active(self, viewer: Viewer, email: str, *, active: bool) -> None:
        """Enable or disable a person; disabling ends their sessions at once."""
        viewer.require(Permission.USERS_MANAGE)
        self.accounts.set_active(email, active=active)
        self._record(viewer, "user enabled" if active else "user disabled", email)

    def set_role(self, viewer: Viewer, email: str, role: str) -> None:
        """Give a person another role."""
        viewer.require(Permission.USERS_MANAGE)
        before = self.accounts.account(email).role
        self.accounts.set_role(email, role)
        self._record(viewer, "role changed", f"{email}: {before} to {role}")

    def set_scope(self, viewer: Viewer, email: str, scope: RowScope) -> None:
        """Give a person another row scope; values that no row has are refused with near matches."""
        viewer.require(Permission.USERS_MANAGE)
        check_values(self._sales, scope, viewer)
        self.accounts.set_scope(email, scope)
        self._record(viewer, "row scope changed", f"{email}: {scope.describe()}")

    def end_sessions(self, viewer: Viewer, email: str) -> None:
        """Sign a person out everywhere."""
        viewer.require(Permission.USERS_MANAGE)
        self.accounts.end_all_sessions(email)
        self._record(viewer, "sessions ended", email)

    def drop_second_factor(self, viewer: Viewer, email: str) -> None:
        """Turn a person's second factor off, such as when the phone is lost."""
        viewer.require(Permission.USERS_MANAGE)
        self.accounts.factors.turn_off(self.accounts.as_viewer(email).user_id)
        self._record(viewer, "second factor off", email)

    def delete(self, viewer: Viewer, email: str, heir: str) -> None:
        """Remove a person; what they made for others goes to the heir, or away without one."""
        viewer.require(Permission.USERS_MANAGE)
        self.accounts.delete(email, heir)
        self._record(viewer, "user deleted", f"{email}; {f'their things to {heir}' if heir else 'their things too'}")

    def look_as(self, viewer: Viewer, email: str) -> None:
        """Let this session see the site as another person, for reading only."""
        self.accounts.look_as(viewer, email)

    def read_list(self, viewer: Viewer, text: str) -> list[ImportRow]:
        """Return what a CSV list of people says, line by line, with what is wrong; nothing is changed.

        Raises UserError when it is no such list: email,name,role,rows with rows like country=France;country=Spain.
        """
        viewer.require(Permission.USERS_MANAGE)
        reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff").strip()))
        heads = [str(head).strip().lower() for head in reader.fieldnames or ()]
        missing = [name for name in COLUMNS[:3:2] if name not in heads]
        if missing:
            raise UserError(f"The first line must name the columns; missing: {', '.join(missing)}. Write {EXAMPLE}")
        reader.fieldnames = heads
        rows, taken = list(reader), {each.email for each in self.accounts.list()}
        if len(rows) > MOST_IMPORTED:
            raise UserError(f"The list has {len(rows):,} people; at most {MOST_IMPORTED:,} at once. Split it.")
        roles, found = self.accounts.roles(), list[ImportRow]()
        for row in rows:
            found.append(self._row(viewer, len(found) + 2, row, roles, taken))
            taken.add(found[-1].email)
        return found

    def _row(
        self, viewer: Viewer, line: int, row: Mapping[str, object], roles: Mapping[str, Role], taken: set[str]
    ) -> ImportRow:
        email, name, role, rows = (str(row.get(column) or "").strip() for column in COLUMNS)
        scope, problem = NOTHING, ""
        try:
            email = plain_email(email)
            scope = EVERYTHING if rows.lower() == "everything" else read_rules(rows.replace(";", "\n"))
            check_values(self._sales, scope, viewer)
            if role not in roles:
                raise UserError(f"There is no role {role!r}. Allowed: {', '.join(roles)}.")
            if email in taken:
                raise UserError("There is already somebody with this address.")
        except UserError as error:
            problem = str(error)
        return ImportRow(line, email, name, role, scope, problem)

    def add_list(self, viewer: Viewer, text: str) -> list[Handed]:
        """Add everybody of a list, or nobody: raises UserError when any line has a problem."""
        rows = self.read_list(viewer, text)
        wrong = [row for row in rows if row.problem]
        if wrong or not rows:
            raise UserError(f"Nobody was added: {len(wrong)} of {len(rows)} lines cannot be taken. Mend the list.")
        return [self.invite(viewer, row.email, row.name, row.role, row.scope) for row in rows]

    def save_role(self, viewer: Viewer, label: str, permissions: Iterable[str]) -> str:
        """Make or change a role of one's own."""
        viewer.require(Permission.USERS_MANAGE)
        name = self.accounts.save_role(label, permissions)
        self._record(viewer, "role saved", f"{name}: {', '.join(sorted(self.accounts.role(name).permissions))}")
        return name

    def delete_role(self, viewer: Viewer, name: str) -> None:
        """Remove a role that nobody has."""
        viewer.require(Permission.USERS_MANAGE)
        self.accounts.delete_role(name)
        self._record(viewer, "role deleted", name)

    def tokens(self, viewer: Viewer) -> list[Token]:
        """Return all API tokens, without the keys."""
        viewer.require(Permission.USERS_MANAGE)
        return self._tokens.list()

    def make_token(self, viewer: Viewer, email: str, name: str, permissions: Iterable[str], days: int) -> str:
        """Return a new API token; it is shown this once."""
        viewer.require(Permission.USERS_MANAGE)
        return self._tokens.create(email, name, permissions, days, by=viewer.email)

    def revoke_token(self, viewer: Viewer, identity: int) -> None:
        """Make an API token worthless at once."""
        viewer.require(Permission.USERS_MANAGE)
        self._tokens.revoke(identity, by=viewer.email)

    def _hand(self, viewer: Viewer, email: str, purpose: str) -> Handed:
        token = self.links.make(email, purpose)
        link = f"{circumstances.now().site}/signin/password?token={token}"
        if self._mail:
            self._mail.send(email, "Your access to Salescope", f"Choose a password with this link, once: {link}\n")
        self._record(viewer, f"{WORDS[purpose]} link made", email)
        return Handed(email, link, purpose, bool(self._mail))

    def _record(self, viewer: Viewer, action: str, detail: str) -> None:
        self.accounts.record(action, viewer.email, "", detail)


EXAMPLE = "email,name,role,rows on it, and below ann@example.com,Ann,manager,country=France;country=Spain."


def _text(account: Account) -> str:
    return (
        f"{account.email} {account.name} {account.role} {account.scope} {'' if account.active else 'disabled'}".lower()
    )


#: How people can be sorted.
SORTS: Mapping[str, Callable[[Account], str]] = {
    "email": lambda each: each.email,
    "name": lambda each: each.name.lower(),
    "role": lambda each: each.role,
    "rows": lambda each: each.scope,
    "seen": lambda each: each.seen_at.isoformat() if each.seen_at else "",
}
