"""What is open to whom, by endpoint: the tables that the gate reads. What stands in none of them stops the start."""

from __future__ import annotations

from collections.abc import Mapping

from services.access import Permission

#: Answered without a session.
PUBLIC = frozenset(
    {
        "signin",
        "password",
        "forgot",
        "oidc",
        "oidc_back",
        "healthz",
        "readyz",
        "metrics",  # asks for a token of its own
        "_dash_assets.static",
        "bundle",  # files of ours, as above
    }
)
#: Answered to anybody who is signed in; callbacks and pages are checked further.
SIGNED_IN = frozenset(
    {
        "signout",
        "stop_looking",
        "stop_queries",
        "data_version",
        "/",
        "/<path:path>",
        "/_dash-layout",
        "/_dash-dependencies",
        "/_dash-update-component",
        "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>",
        "/_favicon.ico",
        "/_reload-hash",
    }
)
#: Answered to programs with a bearer token that has the permission; for reading, to a session that has it too.
API: Mapping[str, Permission] = {
    "api_forecast": Permission.FORECAST_RUN,
    "api_forecast_job": Permission.FORECAST_RUN,
    "api_forecast_result": Permission.FORECAST_RUN,
    "api_query": Permission.DASHBOARDS_VIEW,
    "api_orders": Permission.DATA_LOAD,
}
#: Answered to whoever is signed in and has the permission.
ROUTES: Mapping[str, Permission] = {
    "data_uploads": Permission.DATA_LOAD,
    "data_upload": Permission.DATA_LOAD,
    "data_rejects": Permission.DATA_LOAD,
    "data_load_rejects": Permission.DATA_LOAD,
    "data_recipe": Permission.DATA_LOAD,
    "audit_log": Permission.AUDIT_READ,
    "export_answer": Permission.DASHBOARDS_VIEW,
    "export_page": Permission.DASHBOARDS_VIEW,
    "export_lines": Permission.LINES_EXPORT,
}
#: Whose use stands in the audit log, and under which name.
AUDITED: Mapping[str, str] = {
    "audit_log": "export",
    "data_uploads": "upload",
    "export_answer": "export",
    "export_lines": "export",
    "export_page": "export",
}
#: Asked by open pages on their own: being asked this does not make a session last.
BACKGROUND = frozenset({"data_version"})
PAGE_ENDPOINTS = frozenset({"/", "/<path:path>"})
CALLBACK_ENDPOINT = "/_dash-update-component"
DEPENDENCIES_ENDPOINT = "/_dash-dependencies"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
