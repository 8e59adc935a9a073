"""Build the desk: the only place that chooses its adapters, and the one list of its pages."""

from importlib.resources import as_file, files

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from itaca.cases.policy import company_policy
from itaca.errors import ConfigurationError
from itaca.process import Parts
from services.desk import headers, refusals, sizes
from services.desk.api.app import routes
from services.desk.cleaner import Cleaner
from services.desk.desk import Desk
from services.desk.live import Live
from services.desk.oidc import Provider
from services.desk.passwords import Passwords
from services.desk.rendering import Pages
from services.desk.settings import DeskSettings
from services.desk.site import ROUTERS
from services.desk.stage import DeskStage, bind


def build(parts: Parts, settings: DeskSettings) -> DeskStage:
    """Build the stage; it is bound to its port when this returns, and answers once it runs.

    Raises:
        ConfigurationError: the port is taken, or the settings do not fit each other.
    """
    problems = settings.problems()
    if problems:
        raise ConfigurationError(problems)
    return DeskStage(create_app(parts, settings), bind(settings.host, settings.port), settings)


def create_app(parts: Parts, settings: DeskSettings) -> FastAPI:
    """Return the application: every page, the static files, and how refusals look."""
    policy = company_policy(parts.settings)
    pages = Pages(parts.settings, parts.clock, policy.calendar.zone)
    app = FastAPI(title="Itaca", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = Desk(
        parts.database,
        parts.clock,
        parts.rng,
        parts.settings,
        settings,
        policy,
        pages,
        Passwords(),
        Cleaner(settings.html_wall_s),
        parts.broker,
        Live(parts.database, parts.clock),
    )
    app.state.parts = parts
    app.state.provider = Provider(settings) if settings.oidc_issuer else None
    for router in ROUTERS:
        app.include_router(router, include_in_schema=False)
    with as_file(files("services.desk") / "static") as folder:
        app.mount("/static", StaticFiles(directory=folder), name="static")
    app.router.routes.extend(routes(parts, policy, settings))
    refusals.add_to(app)
    sizes.add_to(app)
    headers.add_to(app)
    return app
