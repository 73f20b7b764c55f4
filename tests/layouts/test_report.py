"""What is printed: names from the data are texts in it, wherever they stand."""

from __future__ import annotations

from html.parser import HTMLParser

from layouts import report, tables
from layouts.figures import layout_of
from layouts.tiles import Drawn
from services.model import SalesModel

HOSTILE = (
    "\"'></td></script><script>window.__pwn=1</script><img src=x onerror=a()><iframe src=file:///etc/passwd>\u2028"
)
ELEMENTS = {"html", "head", "meta", "title", "style", "body", "header", "main", "section", "div", "script"}
ELEMENTS |= {"h1", "h2", "p", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "span"}
ATTRIBUTES = {"lang", "charset", "class", "id"}


class Look(HTMLParser):
    """Notes the elements and attributes of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}


def test_names_in_the_data_are_texts_on_paper(sample_model: SalesModel) -> None:
    table = tables.table(HOSTILE, [HOSTILE, "x"], [[HOSTILE, HOSTILE]])
    figure = {"data": [{"type": "bar", "x": [1], "y": [HOSTILE], "name": HOSTILE}], "layout": layout_of(title=HOSTILE)}
    drawn = [
        Drawn(HOSTILE, HOSTILE, figure, table),
        Drawn(HOSTILE, HOSTILE, None, table),
        Drawn("a", "", problem=HOSTILE),
    ]
    look = Look()
    look.feed(report.document(HOSTILE, drawn, [("Filters", HOSTILE), (HOSTILE, "x")], sample_model))
    assert set(look.elements) <= ELEMENTS
    assert look.attributes <= ATTRIBUTES
    assert look.elements.count("script") == 2
