"""What the server prints when it is up: where to open it, what listens, how to stop it."""

import io

import segno
from rich.console import Console
from rich.table import Table

from visavis.server import Server
from visavis.server.addresses import in_url, is_loopback


def print_banner(console: Console, server: Server) -> None:
    """Prints the banner; the first line that holds a URL holds the one to open."""
    local = is_loopback(host for host, _ in server.listening)
    console.print()
    console.print("  [bold]visavis[/bold] is running. Open", highlight=False)
    console.print(f"  [bold cyan]{server.url}[/bold cyan]", highlight=False, soft_wrap=True)
    if not local and console.is_terminal:
        console.print()
        console.print(qr_code(server.url), highlight=False, markup=False, soft_wrap=True)
    console.print()
    console.print(_listening(server))
    authority = server.certificate_files.authority if server.certificate_files else None
    if authority is not None:
        console.print()
        console.print(
            "  Browsers warn until they trust this server's own certificate authority, once per device:"
        )
        console.print(f"  install {server.url}/ca.pem there, or {authority} on this machine.", soft_wrap=True)
    if local:
        console.print()
        console.print(
            "  Only this machine can open it. For others: visavis serve --host 0.0.0.0", highlight=False
        )
    console.print()
    console.print("  Stop with Ctrl-C.", highlight=False)
    console.print()
    console.file.flush()


def _listening(server: Server) -> Table:
    table = Table.grid(padding=(0, 2))
    protocol = "https" if server.certificate_files else "http"
    for host, port in server.listening:
        table.add_row("", protocol, f"{in_url(host)}:{port}/tcp")
    for host, port in server.media_listening:
        table.add_row("", "media", f"{in_url(host)}:{port}/udp")
    for url in server.urls[1:]:
        table.add_row("", "also", url)
    return table


def qr_code(text: str) -> str:
    """The QR code (ISO/IEC 18004) in half blocks; two modules of height per line."""
    out = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(out, border=2, compact=True)
    return out.getvalue()
