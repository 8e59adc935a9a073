"""The one list of the desk's pages."""

from services.desk.routes import (
    cancellations,
    case_acts,
    cases,
    chain,
    contacts,
    customers,
    flow,
    live,
    mails,
    my_day,
    people,
    person,
    review,
    sign_in,
    teams,
    values,
    webhooks,
)

PAGES = (
    sign_in,
    my_day,
    cases,
    contacts,
    case_acts,
    customers,
    mails,
    review,
    cancellations,
    flow,
    live,
    values,
    people,
    webhooks,
    person,
    teams,
    chain,
)
ROUTERS = tuple(page.router for page in PAGES)
