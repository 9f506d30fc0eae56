"""Requests to a TURN server with long-term credentials (RFC 8489 section 9.2): challenges are answered
here."""

from collections.abc import Callable
from typing import Final

from visavis.dataplane.commands import Address, SocketId
from visavis.stun import ErrorCode, LongTermCredentials, Method, Requests, Response
from visavis.stun.credentials import Challenge, answer, read_challenge_untrusted

_MAX_ATTEMPTS: Final = 4
_REFUSED: Final = (ErrorCode.UNAUTHENTICATED, ErrorCode.STALE_NONCE)


class Session:
    """One client at one server, from one socket; it remembers the last challenge.

    New `credentials` count from the next request on.
    """

    def __init__(
        self, requests: Requests, socket: SocketId, server: Address, credentials: LongTermCredentials
    ) -> None:
        self._requests = requests
        self._socket = socket
        self._challenge: Challenge | None = None
        self.server = server
        self.credentials = credentials

    def move(self, socket: SocketId, server: Address) -> None:
        """To another server, reached by this socket."""
        self._socket = socket
        self.server = server

    def send(
        self, method: Method, attributes: tuple[tuple[int, bytes], ...], handler: Callable[[Response], None]
    ) -> None:
        """Sends a request, again with the credentials when the server asks for them (401), and again with a
        new nonce (438); `handler` gets the last response."""
        self._attempt(method, attributes, handler, _MAX_ATTEMPTS)

    def _attempt(
        self,
        method: Method,
        attributes: tuple[tuple[int, bytes], ...],
        handler: Callable[[Response], None],
        attempts: int,
    ) -> None:
        used = self._challenge
        identity: list[tuple[int, bytes]] = []
        key: bytes | None = None
        if used is not None:
            identity, key = answer(used, self.credentials)

        def ended(response: Response) -> None:
            if response.code in _REFUSED and attempts > 1 and self._learn(response, used):
                self._attempt(method, attributes, handler, attempts - 1)
            else:
                handler(response)

        self._requests.send(self._socket, self.server, method, (*attributes, *identity), ended, key)

    def _learn(self, response: Response, used: Challenge | None) -> bool:
        """Whether it is worth another attempt: a 401 to a request with credentials says that they are
        wrong."""
        if response.code == ErrorCode.UNAUTHENTICATED and used is not None and used == self._challenge:
            return False
        challenge = read_challenge_untrusted(response.attributes)
        if challenge is None:
            return False
        self._challenge = challenge
        return True
