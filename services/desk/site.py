"""The one list of the desk's pages."""

from services.desk.routes import case_acts, cases, mails, my_day, sign_in

ROUTERS = (sign_in.router, my_day.router, cases.router, case_acts.router, mails.router)
