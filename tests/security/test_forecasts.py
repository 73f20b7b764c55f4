"""Forecasts of many series over the API: a job with an address, a result that is whole, the owner's rows only."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from salescope import installation as product
from tests.client import Answer, Client
from tests.serving import Installation, Server, email_of, until

FORECAST = "/api/v1/forecast"
ASKED = {"query": {"measures": ["revenue"], "dimensions": ["country"], "grain": "month"}, "horizon": 2, "parts": 50_000}


def test_forecast_of_many_series_is_a_job(installation: Installation, server: Server) -> None:
    tokens = product.tokens(installation.settings())

    def program(role: str) -> Any:
        token = tokens.create(email_of(role), role, ["dashboards:view", "forecast:run"], 1, by="tests")
        client = Client(server.port)

        def send(method: str, path: str, body: object = None) -> Answer:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            return client.send(method, path, json.dumps(body).encode() if body else None, headers)

        return send

    analyst, manager = program("analyst"), program("manager")
    wrong = ASKED | {"horizon": 40}
    assert analyst("POST", FORECAST, wrong).status == 400
    begun = analyst("POST", FORECAST, ASKED)
    assert begun.status == 202, begun.text
    address = begun.headers["Location"]
    assert manager("GET", address).status == 404

    assert until(lambda: analyst("GET", address).json()["state"] not in ("queued", "running"), 90)
    told = analyst("GET", address).json()
    assert told["state"] == "done", told
    rows = analyst("GET", told["result"]["url"]).json()["rows"]
    assert len(rows) == told["result"]["rows"] == 2 * told["result"]["series"]
    total = {row["time"]: row["mean"] for row in rows if row["key"] == ""}
    assert list(total) == ["2011-12-01", "2012-01-01"]
    for time, mean in total.items():
        assert sum(row["mean"] for row in rows if row["key"] and row["time"] == time) == pytest.approx(mean)
    found = analyst("GET", f"{told['result']['url']}?format=csv")
    assert [float(row["mean"]) for row in csv.DictReader(io.StringIO(found.text))] == [row["mean"] for row in rows]

    assert manager("GET", told["result"]["url"]).status == 404
    assert "nothing to cancel" in analyst("DELETE", address).json()["error"]
    file = installation.folder / "forecasts" / f"{told['job']}.parquet"
    file.write_bytes(file.read_bytes()[:-10])
    assert "damaged" in analyst("GET", told["result"]["url"]).json()["error"]

    again = analyst("POST", FORECAST, ASKED).json()
    assert analyst("DELETE", again["url"]).status == 200
    assert until(lambda: analyst("GET", again["url"]).json()["state"] in ("cancelled", "done"), 60)
    one = analyst("POST", FORECAST, ASKED | {"query": {"measures": ["revenue"], "grain": "month"}})
    assert one.status == 200
    assert [row["time"] for row in one.json()["rows"]] == ["2011-12-01", "2012-01-01"]
