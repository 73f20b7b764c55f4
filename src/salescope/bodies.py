"""Bodies of callback requests: what the callback declares, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flask
from werkzeug.exceptions import BadRequest


def read() -> dict[str, Any]:
    """Return the body of the request, an object that names an output; raises BadRequest for anything else."""
    try:
        body = flask.request.get_json(silent=True) if flask.request.is_json else None
    except RecursionError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        raise BadRequest("This is not a callback request.")
    return body


def check(body: Mapping[str, Any], specification: Mapping[str, Any]) -> None:
    """Raise BadRequest unless ids and properties are those the callback was registered with.

    No callback of ours has wildcard ids, for which Dash would send lists.
    """
    outputs = [_plain(text) for text in body["output"].strip(".").split("...")]
    sent_outputs = body.get("outputs")
    if [_dotted(item) for item in (sent_outputs if isinstance(sent_outputs, list) else [sent_outputs])] != outputs:
        raise BadRequest("The callback's outputs are not as declared.")
    inputs = {f"{item['id']}.{item['property']}" for item in specification["inputs"]}
    changed = body.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(item, str) and item in inputs for item in changed):
        raise BadRequest("The callback's triggers are not as declared.")
    for part in ("inputs", "state"):
        declared = [(item["id"], item["property"]) for item in specification[part]]
        sent = body.get(part, [])
        if not isinstance(sent, list) or len(sent) != len(declared):
            raise BadRequest("The callback's inputs are not as declared.")
        for (wanted_id, wanted_property), item in zip(declared, sent, strict=True):
            if not isinstance(item, dict) or (item.get("id"), item.get("property")) != (wanted_id, wanted_property):
                raise BadRequest("The callback's inputs are not as declared.")


def _dotted(item: object) -> str | None:
    return _plain(f"{item.get('id')}.{item.get('property')}") if isinstance(item, dict) else None


def _plain(output: str) -> str:
    """Return an output without the digest that Dash adds after @ where several callbacks fill it."""
    return output.partition("@")[0]
