"""Build the API: an application of its own, which the desk mounts at /v1."""

import re

from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount

from itaca.cases.policy import Policy
from itaca.process import Parts
from services.desk.api import (
    activities,
    cancellations,
    cases,
    interactions,
    mails,
    orders,
    receipts,
    suppressions,
    told,
    webhooks,
)
from services.desk.api.access import TokenCache
from services.desk.api.checks import Checks
from services.desk.api.core import Api
from services.desk.api.problems import RESPONSES, Problem
from services.desk.api.problems import add_to as add_problems
from services.desk.api.rates import Buckets, Rates
from services.desk.api.sizes import LimitedBodies
from services.desk.settings import DeskSettings

ROUTERS = (
    suppressions.router,
    cases.router,
    mails.router,
    interactions.router,
    activities.router,
    cancellations.router,
    receipts.router,
    orders.router,
    webhooks.router,
)
_ABOUT = "Cases, cancellations and what binds those who send and bill. Errors are problem details (RFC 9457)."


def create_api(parts: Parts, policy: Policy, settings: DeskSettings | None = None) -> FastAPI:
    """Return the application; its paths begin where it is mounted."""
    app = FastAPI(
        title="Itaca",
        version="1",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses=RESPONSES,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        webhooks=told.router(),
    )
    app.state.api = Api(parts.database, parts.clock, parts.rng, policy, parts.metrics, parts.settings)
    app.state.tokens = TokenCache()
    app.state.checks = Checks(parts.database)
    app.state.buckets = Buckets(Rates.of(settings or DeskSettings()), parts.clock)
    for router in ROUTERS:
        app.include_router(router)
    add_problems(app)
    app.add_middleware(LimitedBodies)
    _describe(app)
    return app


def routes(parts: Parts, policy: Policy, settings: DeskSettings | None = None) -> list[BaseRoute]:
    """Return what the desk takes in: every path below /v1, and the public pages of receipts.

    Starlette's own pattern leaves out paths with a line end in them: these would be answered by the desk, as a page.
    """
    mount = Mount("/v1", create_api(parts, policy, settings))
    mount.path_regex = re.compile(r"^/v1/(?P<path>.*)$", re.DOTALL)
    return [mount, *receipts.pages(parts, policy)]


def _describe(app: FastAPI) -> None:
    """Add the schema of problems, which no operation names as its answer."""
    plain = app.openapi

    def described() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = plain()
            schema["components"]["schemas"].update(_problem_schemas())
            schema["servers"] = [{"url": "/v1"}]
        return app.openapi_schema or {}

    app.openapi = described  # type: ignore[method-assign]


def _problem_schemas() -> dict[str, object]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Problem": schema}
