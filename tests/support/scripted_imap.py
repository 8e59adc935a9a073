"""An IMAP account on loopback that knows LOGIN, EXAMINE, UID SEARCH and UID FETCH, and notes what else is asked."""

import contextlib
import re
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

USER, PASSWORD = "etichette@azienda.example", "segreto e spazio"


@dataclass
class ImapAccount:
    """``folders`` are named as IMAP spells them; ``said`` holds every command; ``hangs_up`` ends it before a mail."""

    folders: Mapping[str, Sequence[bytes]]
    hangs_up: bool = False
    said: list[str] = field(default_factory=list)
    port: int = 0
    tls: ssl.SSLContext | None = None

    def answer(self, command: str, selected: str) -> tuple[list[bytes], str, str]:
        """Return the untagged answers, the end of the tagged one, and the folder that is open then."""
        self.said.append(command)
        verb = command.upper()
        if verb.startswith("CAPABILITY"):
            return [b"* CAPABILITY IMAP4rev1"], "OK", selected
        if verb.startswith("LOGIN"):
            return [], "OK" if command == f'LOGIN {USER} "{PASSWORD}"' else "NO wrong password", selected
        if verb.startswith("EXAMINE"):
            name = command.partition(" ")[2].strip('"')
            return ([b"* 0 EXISTS"], "OK", name) if name in self.folders else ([], "NO no such folder", "")
        if verb.startswith("UID SEARCH"):
            numbers = " ".join(str(number) for number in range(1, len(self.folders[selected]) + 1))
            return [f"* SEARCH {numbers}".rstrip().encode()], "OK", selected
        if found := re.match(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", command):
            raw = self.folders[selected][int(found[1]) - 1][: int(found[2])]
            head = f"* {found[1]} FETCH (UID {found[1]} BODY[]<0> {{{len(raw)}}}\r\n".encode()
            return [head + raw + b")"], "OK", selected
        return [], "BAD unknown", selected


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        account: ImapAccount = self.server.account  # type: ignore[attr-defined]
        if account.tls is not None:
            with contextlib.suppress(OSError), account.tls.wrap_socket(self.request, server_side=True) as secured:
                self.rfile, self.wfile = secured.makefile("rb"), secured.makefile("wb", buffering=0)
                self.converse(account)
            return
        self.converse(account)

    def converse(self, account: ImapAccount) -> None:
        self.wfile.write(b"* OK ready\r\n")
        selected = ""
        while line := self.rfile.readline().decode().strip():
            tag, _, command = line.partition(" ")
            if account.hangs_up and "FETCH" in command:
                return
            lines, end, selected = account.answer(command, selected)
            self.wfile.write(b"".join(one + b"\r\n" for one in lines) + f"{tag} {end} so it is\r\n".encode())


@contextmanager
def imap_account(
    folders: Mapping[str, Sequence[bytes]], hangs_up: bool = False, certificate: tuple[Path, Path] | None = None
) -> Iterator[ImapAccount]:
    """Serve an account until the end of the block; with a certificate and its key by TLS from the first byte."""
    account = ImapAccount(folders, hangs_up)
    if certificate is not None:
        account.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        account.tls.load_cert_chain(*certificate)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation) as server:
        server.daemon_threads = True
        server.account = account  # type: ignore[attr-defined]
        account.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield account
        finally:
            server.shutdown()
            thread.join()
