"""The one list of the desk's pages."""

from services.desk.routes import my_day, sign_in

ROUTERS = (sign_in.router, my_day.router)
