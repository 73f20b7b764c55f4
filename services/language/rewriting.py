"""An endpoint that words a question anew which the parser could not read; it sees the model's names, never data."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import orjson

from services.model import SalesModel
from services.query import MAX_TEXT

SECONDS, MOST_BYTES = 8.0, 65_536
#: What the endpoint writes when the question cannot be said in the words it was given.
CANNOT = "CANNOT"
ASKED = (
    "Rewrite the question as one short English question for a sales report. Use only these measures: {measures}. "
    "Use only these breakdowns: {dimensions}. Keep names, numbers and dates exactly as they are written. "
    "Allowed phrases: by, top N, bottom N, in, excluding, more than, share of, cumulative, last month, last quarter, "
    "this year, compared with, month by month. Answer with the question alone, or with {cannot} if it asks for "
    "anything else."
)
_LOG = logging.getLogger(__name__)


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        """Follow nothing: the address in the settings is the only one the question goes to."""


@dataclass(frozen=True)
class Rewriter:
    """A chat endpoint in the manner of OpenAI, such as https://host/v1; `key` may be empty."""

    url: str
    name: str
    key: str = field(default="", repr=False)

    def rewrite(self, text: str, model: SalesModel) -> str | None:
        """Return the question in other words; None when there are none or the endpoint does not answer in time."""
        said = ASKED.format(
            measures=_names([each.label for each in model.measures.values()]),
            dimensions=_names([each.label for each in model.dimensions.values()]),
            cannot=CANNOT,
        )
        messages = [{"role": "system", "content": said}, {"role": "user", "content": text}]
        body = orjson.dumps({"model": self.name, "messages": messages, "temperature": 0, "max_tokens": 120})
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.key}"} if self.key else {})
        request = Request(f"{self.url.rstrip('/')}/chat/completions", body, headers)  # noqa: S310 - settings allow http only
        try:
            with build_opener(_NoRedirect).open(request, timeout=SECONDS) as answer:
                found = orjson.loads(answer.read(MOST_BYTES))
            written = found["choices"][0]["message"]["content"]
        except (URLError, OSError, ValueError, LookupError, TypeError) as error:
            _LOG.warning("The rewriting endpoint gave no answer: %s", type(error).__name__)
            return None
        line = " ".join(str(written).split())
        return line if line and CANNOT not in line and len(line) <= MAX_TEXT else None


def _names(labels: Sequence[str]) -> str:
    return ", ".join(label.lower() for label in labels)
