"""The description of the API and the API say the same: made-up requests find no answer that was not announced."""

from collections.abc import Iterator

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from services.desk.api.app import ROUTERS
from tests.support.api_server import ApiServer

EXAMPLES = 10
"""Requests for each operation, good ones and bad ones; fixed by the seed of the operation's name."""
OPERATIONS = sorted(
    (route.path, method)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Give a running API with some cases in its ledger."""
    made = ApiServer(tmp_path_factory.mktemp("api"))
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def described(server: ApiServer) -> schemathesis.BaseSchema:
    """Read the description from the running server; a failed precondition is no fault of the data."""
    expected = {"expected-statuses": ["2xx", "401", "403", "404", "409", "412", "428"]}
    config = schemathesis.Config.from_dict({"checks": {"positive_data_acceptance": expected}})
    schema = schemathesis.openapi.from_url(f"{server.url}/v1/openapi.json", config=config)

    @schema.auth()
    class Bearer:
        """Shows the token, except where the test is that none is shown."""

        def get(self, case: schemathesis.Case, context: object) -> str:
            return server.token

        def set(self, case: schemathesis.Case, token: str, context: object) -> None:
            case.headers["Authorization"] = f"Bearer {token}"

    return schema


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_no_request_finds_an_answer_that_was_not_announced(
    server: ApiServer, described: schemathesis.BaseSchema, path: str, method: str, mode: GenerationMode
) -> None:
    """Statuses, headers, bodies, refusals: all as described, for good requests and bad ones."""
    strategy = described[path][method].as_strategy(generation_mode=mode)
    known = st.sampled_from([None, *server.references.values()])

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, reference=known)
    def holds(case: schemathesis.Case, reference: str | None) -> None:
        if reference is not None and mode is GenerationMode.POSITIVE and "reference" in case.path_parameters:
            case.path_parameters["reference"] = reference
        if "mail_id" in case.path_parameters and reference is not None and mode is GenerationMode.POSITIVE:
            case.path_parameters["mail_id"] = server.mail_id
        case.call_and_validate(timeout=30)

    holds()
