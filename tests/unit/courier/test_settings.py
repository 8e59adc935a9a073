"""What the courier's settings say about themselves before it starts."""

import pytest

from services.courier.settings import CourierSettings


@pytest.mark.parametrize("field", ["from_address", "orders_to", "cancellations_to"])
def test_an_address_that_no_letter_could_bear_is_found_before_the_start(field: str) -> None:
    """With a name around it, or none at all, every letter would fail for good; a domain may be of any script."""
    for good in ("", "reclami@shop.example", "ordini@bücher.example"):
        assert CourierSettings.model_validate({field: good}).problems() == []
    for bad in ("Servizio Clienti <reclami@shop.example>", "reclami@", "però@shop.example", "reclami shop"):
        (problem,) = CourierSettings.model_validate({field: bad}).problems()
        assert problem.startswith(f"ITACA_COURIER_{field.upper()}: ")
