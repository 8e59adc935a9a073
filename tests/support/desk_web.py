"""A browser without scripts: it signs in, keeps its cookies and fills in forms."""

import re
from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.desk_site import PASSWORD, address_of

TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
_VERSION = re.compile(r'name="version" value="([0-9a-f]{16})"')


async def sign_in(web: httpx.AsyncClient, name: str, password: str = PASSWORD, target: str = "/") -> httpx.Response:
    """Fill in the form as a browser does."""
    form = {"email": address_of(name), "password": password, "next": target}
    return await fill_in(web, "/sign-in", form)


async def fill_in(web: httpx.AsyncClient, page: str, values: Mapping[str, Any], action: str = "") -> httpx.Response:
    """Post a form of a page with the token that stands there; ``action``: where it goes, if not to the page."""
    token = TOKEN.search((await web.get(page)).text)
    assert token is not None, f"{page} has no form"
    return await web.post(action or page, data={"token": token[1], **values})


async def save(web: httpx.AsyncClient, page: str, action: str = "", **fields: Any) -> httpx.Response:
    """Post a form of the page of a person or a team, with the version that the page shows."""
    found = _VERSION.search((await web.get(page)).text)
    return await fill_in(web, page, {"version": found[1] if found else "", **fields}, action)


def version_on(text: str) -> str:
    """Return the version that a page of a person or a team shows."""
    found = _VERSION.search(text)
    assert found is not None
    return found[1]
