"""Forecasts as people meet them: on the key figures, over a trend, and of many series in the background."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import Visitor

WAIT = 60_000


def test_forecasts_are_on_the_overview_on_trends_and_in_the_background(visit: Visitor) -> None:
    tab = visit("manager")
    page = tab.page
    page.wait_for_selector("[data-landing=revenue]:not(:empty)", timeout=WAIT)
    assert page.inner_text("[data-landing=revenue]").startswith("Lands at £")
    tab.open("/trends?grain=month&trends-ahead=4")
    page.wait_for_function(
        "name => [...document.querySelectorAll('#trends-trend .legendtext')].some((each) => each.textContent === name)",
        arg="Forecast",
        timeout=WAIT,
    )
    tab.open("/forecast?forecast-show=parts&forecast-by=month")
    page.click("#forecast-start")
    page.wait_for_selector(".forecast-jobs a[download]", timeout=WAIT)
    assert "Revenue by Country, 3 months ahead" in page.inner_text(".forecast-jobs")
    rows = page.evaluate("async () => (await fetch(document.querySelector('.forecast-jobs a').href)).text()").split()
    assert rows[0] == "key,label,time,lo95,lo80,mean,hi80,hi95"
    tab.open("/forecast?forecast-by=month")
    page.click(".chart-fan details.export summary", timeout=WAIT)
    with page.expect_download(timeout=WAIT) as download:
        page.click(".chart-fan [data-export=csv]")
    written = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert written[0] == "From,So far,Forecast,80 % from,80 % to,95 % from,95 % to"
    assert [line.count(",") for line in written[:28]] == [6] * 28
    assert page.locator(".chart-fan .tile-foot").inner_text().startswith("Data up to")
    tab.picture("forecast-months")
    page.click(".forecast-if summary")
    page.fill("#forecast-assumed-1", "10")
    page.click("#forecast-scenario-keep")
    page.get_by_text("The name has 0 characters").wait_for()
    page.fill("#forecast-scenario-name", "A new customer")
    page.click("#forecast-scenario-keep")
    page.get_by_role("heading", name="Revenue, 3 months ahead: as it is and as assumed").wait_for(timeout=WAIT)
    assert "A new customer: £" in page.inner_text("#forecast-tiles")
    page.click("#forecast-scenario-remove")
    page.get_by_text("You keep no scenario yet").wait_for()
    assert tab.problems == []
