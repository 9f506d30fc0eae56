"""Payload types and extension ids: stable over a session's life, never given a second meaning."""

from collections.abc import Iterable

from visavis.jsep.capabilities import ExtensionCapability, Format, FormatIdentity
from visavis.jsep.identity import identity
from visavis.sdp import ExtMap

_FREE = (*range(96, 128), *range(35, 64))
"""RFC 3551 section 6; RFC 5761 section 4 excludes 64 to 95, which RTCP packet types occupy."""

_FREE_IDS = (*range(1, 15), *range(16, 256))
"""RFC 8285 section 4: 15 is reserved, and from 16 on elements have two bytes of header."""


class Numbers:
    """Gives formats their payload types while one description is made (RFC 3264 section 8.3.2).

    `taken` is what the session's descriptions used a number for so far; `foreign` is what the peer's use.
    """

    def __init__(
        self,
        taken: Iterable[tuple[int, FormatIdentity]],
        foreign: Iterable[tuple[int, FormatIdentity]],
    ) -> None:
        self._meanings: dict[int, set[FormatIdentity]] = {}
        self._numbers: dict[FormatIdentity, int] = {}
        self._foreign: dict[int, set[FormatIdentity]] = {}
        for number, meaning in taken:
            self._use(number, meaning)
        for number, meaning in foreign:
            self._foreign.setdefault(number, set()).add(meaning)

    def give(self, wanted: FormatIdentity, preferred: int, *, previous: Iterable[Format]) -> int | None:
        """The number to offer a format under, None when all are in use.

        It is the one that the m-line had (`previous`), else the one that the session has given to the format
        before, else the preferred one, else a free one that the peer does not use for something else.
        """
        for format in previous:
            if format.payload_type is not None and identity(format) == wanted:
                return self._use(format.payload_type, wanted)
        known = self._numbers.get(wanted, preferred)
        if self._meanings.get(known) == {wanted}:
            return known
        for number in (preferred, *_FREE):
            if number not in self._meanings and self._foreign.get(number, {wanted}) == {wanted}:
                return self._use(number, wanted)
        return None

    def take(self, wanted: FormatIdentity, offered: int, *, shared: bool) -> int | None:
        """The number to answer a format under: that of the offer, unless it means something else here.

        An m-line that does not share its transport (`shared`) takes it in any case.
        """
        if not shared or self._meanings.get(offered, {wanted}) == {wanted}:
            return self._use(offered, wanted)
        return self.give(wanted, offered, previous=())

    def _use(self, number: int, meaning: FormatIdentity) -> int:
        self._meanings.setdefault(number, set()).add(meaning)
        self._numbers.setdefault(meaning, number)
        return number


def offered_ids(
    extensions: Iterable[ExtensionCapability],
    taken: Iterable[tuple[int, str]],
    foreign: Iterable[ExtMap],
) -> tuple[ExtMap, ...]:
    """Header extensions with the ids they have had, else preferred ones, else free ones (RFC 8285)."""
    ids: dict[str, int] = {}
    used: dict[int, str] = {}
    for number, uri in taken:
        ids.setdefault(uri, number)
        used.setdefault(number, uri)
    for line in foreign:
        used.setdefault(line.id, line.uri)
    lines: list[ExtMap] = []
    for extension in extensions:
        choices = (ids.get(extension.uri, extension.id), extension.id, *_FREE_IDS)
        free = next((one for one in choices if used.get(one, extension.uri) == extension.uri), None)
        if free is not None:
            used[free] = extension.uri
            lines.append(ExtMap(free, extension.uri))
    return tuple(lines)
