"""The one list of the desk's pages."""

from services.desk.routes import cancellations, case_acts, cases, flow, mails, my_day, people, review, sign_in

ROUTERS = tuple(
    page.router for page in (sign_in, my_day, cases, case_acts, mails, review, cancellations, flow, people)
)
