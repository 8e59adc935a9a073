"""The one list of the desk's pages."""

from services.desk.routes import (
    cancellations,
    case_acts,
    cases,
    contacts,
    customers,
    flow,
    mails,
    my_day,
    people,
    review,
    sign_in,
    values,
)

PAGES = (sign_in, my_day, cases, contacts, case_acts, customers, mails, review, cancellations, flow, values, people)
ROUTERS = tuple(page.router for page in PAGES)
