"""The negotiation-needed flag (webrtc-pc section 4.7)."""

from typing import TYPE_CHECKING

from visavis.events import Event
from visavis.jsep import needs_negotiation

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection


class NegotiationNeeded:
    """Whether the program was told that it has to negotiate, and when that is looked at again."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._is_needed = False
        self._update_when_chain_is_empty = False

    def update(self) -> None:
        """Section 4.7.3, "update the negotiation-needed flag"."""
        if len(self._connection.operations):
            self._update_when_chain_is_empty = True
        else:
            self._connection.tasks.queue(self._check)

    def clear(self) -> None:
        """Section 4.7.2."""
        self._is_needed = False

    def chain_is_empty(self) -> None:
        """No operation waits any more."""
        if self._update_when_chain_is_empty:
            self._update_when_chain_is_empty = False
            self.update()

    def _check(self) -> bool:
        connection = self._connection
        if len(connection.operations):
            self._update_when_chain_is_empty = True
        elif connection.session.signaling_state != "stable":
            return False
        elif not needs_negotiation(connection.session):
            self._is_needed = False
        elif not self._is_needed:
            self._is_needed = True
            return connection.target.fire(Event("negotiationneeded"))
        return False
