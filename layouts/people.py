"""The People page: the list, one person, a list to import, and what somebody with a row scope sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from layouts import forms
from layouts.admin import facts, moment
from layouts.forms import Body
from services.access import Role, RowScope
from services.accounts import Account
from services.administration import EXAMPLE, Handed, ImportRow
from services.scopes import Offered, Preview, write_rules

EVERYTHING, CHOSEN = "everything", "chosen"
#: Begins the names of the fields that hold the ticked values of a dimension.
TICKED = "rows-"


def people(
    found: Sequence[Account], search: str, sort: str, roles: Mapping[str, Role], offered: Sequence[Offered]
) -> Body:
    """Return the list of people, the form to invite somebody, and the import of a list."""
    heads = [_sorted_by(name, words, search, sort) for name, words in COLUMNS.items()]
    rows = [
        (
            forms.link(each.email, f"/people?{urlencode({'person': each.email})}"),
            each.name,
            each.role,
            each.scope,
            _state(each),
            moment(each.seen_at),
        )
        for each in found
    ]
    listed = forms.listing("People", [*heads[:4], "State", heads[4]], rows) if rows else html.P("Nobody is like that.")
    finder = forms.form("find", forms.field("Find", "find", search, kind="search"), forms.submit("Find"), sort=sort)
    return [
        forms.card(f"{len(found)} people", finder, listed),
        forms.card(
            "Invite somebody",
            html.P("They get a link by which they choose a password; it works once, for seven days."),
            forms.form(
                "invite",
                forms.field("E-mail", "email", kind="email", required=True),
                forms.field("Name", "name"),
                _role_menu(roles, "manager"),
                *scope_fields(RowScope(), offered),
                forms.submit("Invite"),
                forms.submit("Preview the rows", "outline-secondary", instead="preview"),
            ),
        ),
        forms.card("Import a list", html.P(f"CSV: {EXAMPLE}"), _import_form("")),
    ]


COLUMNS = {"email": "E-mail", "name": "Name", "role": "Role", "rows": "Sees", "seen": "Last seen (UTC)"}


def _sorted_by(name: str, words: str, search: str, sort: str) -> Component:
    turned = f"-{name}" if sort == name else name
    mark = {name: " ↑", f"-{name}": " ↓"}.get(sort, "")
    return forms.link(words + mark, f"/people?{urlencode({'find': search, 'sort': turned})}")


def _state(each: Account) -> str:
    more = [words for words, on in (("second factor", each.second_factor), ("SSO", each.single_sign_on)) if on]
    return ", ".join(["active" if each.active else "disabled", *more])


def _role_menu(roles: Mapping[str, Role], value: str) -> Component:
    return forms.choice("Role", "role", {name: role.label for name, role in roles.items()}, value)


def scope_fields(scope: RowScope, offered: Sequence[Offered]) -> list[Component]:
    """Return the fields of a row scope: a list to tick per dimension, and a field for what is not listed."""
    sees = {CHOSEN: "the rows ticked below", EVERYTHING: "all rows"}
    ticked = {each.dimension for each in offered}
    written = RowScope(limits=tuple(limit for limit in scope.limits if limit[0] not in ticked))
    words = "Values of one list add up, lists narrow each other; with nothing ticked there are no rows."
    return [
        forms.choice("Sees", "sees", sees, EVERYTHING if scope.everything else CHOSEN),
        html.Div(
            [
                html.P(words, className="quiet"),
                *map(_to_tick, offered),
                forms.behind(
                    "Values that are not listed",
                    forms.area("One a line, such as country=France", "rules", write_rules(written), rows=3),
                ),
            ],
            className="ticking",
        ),
    ]


def _to_tick(each: Offered) -> Component:
    """Return the values of a dimension behind its name and how many are ticked."""
    options = {choice.key: choice.label for choice in each.values}
    few = None if each.all else html.P(f"The {len(each.values)} with most; write others below.", className="quiet")
    return html.Details(
        [
            html.Summary([each.label, " ", html.Span(f"{len(each.chosen)} ticked", className="quiet")]),
            html.Div(
                [
                    html.Div(
                        forms.field(f"Find in {each.label}", "", kind="search", autocomplete="off"), className="narrow"
                    ),
                    forms.checks(each.label, f"{TICKED}{each.dimension}", options, each.chosen),
                    few,
                ],
                className="behind",
            ),
        ],
        open=bool(each.chosen),
    )


def _import_form(text: str) -> Component:
    return forms.form(
        "read",
        forms.area("List", "list", text, rows=6),
        forms.submit("Look at the list", "outline-secondary"),
        forms.submit("Add everybody", instead="import"),
    )


def import_preview(rows: Sequence[ImportRow]) -> Component:
    """Return what a list would do, line by line."""
    wrong = sum(bool(row.problem) for row in rows)
    words = f"{len(rows)} people, {wrong} lines cannot be taken." if wrong else f"{len(rows)} people, all can be added."
    listed = forms.listing(
        "Lines of the list",
        ["Line", "E-mail", "Name", "Role", "Sees", "Problem"],
        [(str(r.line), r.email, r.name, r.role, r.scope.describe(), r.problem) for r in rows],
    )
    return forms.note([html.P(words), listed], "warning" if wrong else "info")


def handed(links: Sequence[Handed]) -> Component:
    """Return links just made; they are shown this once."""
    mailed = " They were mailed too." if links and links[0].mailed else ""
    words = html.P(f"Hand these links on; each works once and is shown only now.{mailed}")
    return forms.note([words, *(forms.secret(f"For {each.email}", each.link) for each in links)])


def person(
    account: Account, scope: RowScope, roles: Mapping[str, Role], heirs: Sequence[str], offered: Sequence[Offered]
) -> Body:
    """Return the page of one person."""
    who = {"person": account.email}
    off, on = ("Disable", "disable") if account.active else ("Enable", "enable")
    buttons = [
        forms.form("look", forms.submit("View the site as this person"), **who),
        forms.form("reset", forms.submit("Make a link for a new password", "outline-secondary"), **who),
        forms.form("sign-out", forms.submit("Sign out everywhere", "outline-secondary"), **who),
        forms.form(on, forms.submit(off, "outline-secondary"), **who),
    ]
    if account.second_factor:
        away = forms.submit("Turn the second factor off", "outline-secondary")
        buttons.append(forms.form("no-factor", away, **who))
    heir = forms.choice("What they made for others goes to", "heir", {"": "nobody", **{e: e for e in heirs}}, "")
    return [
        html.P(forms.link("← All people", "/people")),
        forms.card(
            account.email,
            facts({"Name": account.name, "Role": account.role, "Sees": account.scope, "State": _state(account)}),
            html.Div(buttons, className="actions"),
            html.P(forms.link("What they did", f"/audit?{urlencode({'actor': account.email})}")),
        ),
        forms.card(
            "Role",
            forms.form("role", _role_menu(roles, account.role), forms.submit("Change the role"), **who),
        ),
        forms.card(
            "Row scope",
            html.P(
                "Holds in every chart, list, total, question, forecast, export and API answer, from the next click on."
            ),
            forms.form(
                "scope",
                *scope_fields(scope, offered),
                forms.submit("Save"),
                forms.submit("Preview", "outline-secondary", instead="preview"),
                **who,
            ),
        ),
        forms.card(
            "Delete",
            forms.behind(
                "Delete this person…", forms.form("delete", heir, forms.submit("Delete for good", "danger"), **who)
            ),
        ),
    ]


def scope_preview(found: Preview, scope: RowScope, of: str = "This person") -> Component:
    """Return what somebody with a scope sees, in words and rows."""
    parts = [f"{each.seen} of {each.all} values of {each.label}" for each in found.values]
    if found.share is not None:
        parts.append(f"{found.share:.1%} of {found.measure}")
    words = f"{of} sees {scope.describe()}: {', '.join(parts)}."
    if found.lines is None or not len(found.lines):
        return forms.note(
            [html.P(words), html.P("No order line is among them.") if found.lines is not None else None], "info"
        )
    heads = list(found.lines.columns)
    rows = [[str(value) for value in row] for row in found.lines.itertuples(index=False)]
    return forms.note([html.P(words), forms.listing("Some of the rows", heads, rows)], "info")


def leaving(path: str) -> Component:
    """Return what loads the site anew at another page."""
    made: Component = dcc.Location(id="desk-leaving", href=path, refresh=True)
    return made
