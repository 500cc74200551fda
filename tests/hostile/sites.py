"""Three sites over TLS for a browser: the app as a Space, the Hub's page that frames it, and another Space."""

import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.space.visiting import Space

APP, EVIL, HUB = "me-distill.hf.space", "evil-space.hf.space", "huggingface.co"
NAMES = (APP, EVIL, HUB)

HUB_PAGE = f"""<!doctype html><title>Hub</title><body style="margin: 0">
<iframe name="app" src="https://{APP}/" allow="microphone; midi" style="width: 1250px; height: 3000px"></iframe>
<iframe name="evil" src="https://{EVIL}/" style="width: 1250px; height: 400px"></iframe>"""
EVIL_PAGE = "<!doctype html><title>Evil</title><body>Look, a kitten."


def certificate(folder):
    """Make a key and a certificate for the three sites, and return their paths."""
    key, crt = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={APP}"),
            *("-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in NAMES)),
            *("-keyout", str(key), "-out", str(crt)),
        ],
        check=True,
        capture_output=True,
    )
    return key, crt


class TlsSpace(Space):
    """A process of the app that serves HTTPS."""

    def __init__(self, folder, port, **limits):
        super().__init__(folder, port, **limits)
        self.url = f"https://127.0.0.1:{port}"
        key, crt = certificate(folder.parent)
        code = (
            "from distill.ui import app; "
            "launch = app.launch; app.launch = lambda it: "
            f"launch(it, ssl_keyfile={str(key)!r}, ssl_certfile={str(crt)!r}, ssl_verify=False); app.main()"
        )
        self.arguments = ("-c", code)


class Site:
    """A server of one page over TLS, which keeps the bodies that are sent to it.

    Attributes
    ----------
    sent : list of bytes
        Bodies of the POST requests.
    """

    def __init__(self, folder: Path, page: str) -> None:
        self.sent: list[bytes] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page.encode())

            def do_POST(self) -> None:
                site.sent.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                self.do_GET()

            def log_message(self, *args: object) -> None:
                pass

        folder.mkdir()
        key, crt = certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def browser_flags(**ports):
    """Chromium's flags to reach local ports under the sites' names and port 443, as security policies expect."""
    rules = ", ".join(f"MAP {name}:443 127.0.0.1:{port}" for name, port in ports.items())
    return [f"--host-resolver-rules={rules}", "--ignore-certificate-errors"]
