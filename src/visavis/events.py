"""Events and their targets as the DOM standard has them (section 2), and Python's own ways to listen.

An `EventTarget` takes listeners by `addEventListener`, by its `on<event>` attributes and by the decorator
`@target.on("type")`. A listener may be a coroutine function. What a listener raises is logged, and never
reaches who fired the event (DOM section 2.9). No object here is bound to an event loop.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Generic, Self, TypeVar, cast, overload

from visavis.errors import DOMException

_log = logging.getLogger(__name__)

Listener = Callable[[Any], object]
"""Called with the event; what it returns is awaited if that can be, and else ignored."""

_ListenerT = TypeVar("_ListenerT", bound=Listener)
_EventT = TypeVar("_EventT", bound="Event")


class Event:
    """Something that happened to a target (DOM section 2.2); subclasses carry what."""

    # What most events never change is the class's: messages make many of them.
    bubbles: bool = False
    cancelable: bool = False
    _target: "EventTarget | None" = None
    _current_target: "EventTarget | None" = None
    _default_prevented: bool = False
    _stopped: bool = False
    _unfinished: "tuple[asyncio.Task[None], ...]" = ()

    def __init__(self, type: str, eventInitDict: Mapping[str, object] | None = None) -> None:
        """`eventInitDict` may have `bubbles` and `cancelable`, both False without it."""
        self.type = type
        if eventInitDict:
            self.bubbles = bool(eventInitDict.get("bubbles", False))
            self.cancelable = bool(eventInitDict.get("cancelable", False))

    @property
    def target(self) -> "EventTarget | None":
        """What the event was dispatched to."""
        return self._target

    @property
    def currentTarget(self) -> "EventTarget | None":
        """The target while its listeners run, else None."""
        return self._current_target

    @property
    def unfinished(self) -> "tuple[asyncio.Task[None], ...]":
        """What coroutine functions among the listeners have been begun with it."""
        return self._unfinished

    @property
    def defaultPrevented(self) -> bool:
        """Whether a listener called `preventDefault` on a cancelable event."""
        return self._default_prevented

    def preventDefault(self) -> None:
        """Asks not to do what would follow; only a cancelable event can be asked."""
        self._default_prevented = self._default_prevented or self.cancelable

    def stopImmediatePropagation(self) -> None:
        """Listeners that have not been called yet are not."""
        self._stopped = True

    def __repr__(self) -> str:
        """The class and the type."""
        return f"<{type(self).__name__} {self.type}>"


class _Registered:
    """One listener of a target; the callback of an `on<event>` attribute may change in its place."""

    __slots__ = ("callback", "once", "removed")

    def __init__(self, callback: Listener, *, once: bool = False) -> None:
        self.callback = callback
        self.once = once
        self.removed = False


class EventTarget:
    """Something that events happen to (DOM section 2.7)."""

    # What most targets never have is the class's, and empty.
    _listeners: Mapping[str, list[_Registered]] = MappingProxyType({})
    _handlers: Mapping[str, _Registered] = MappingProxyType({})
    _running: set[asyncio.Task[None]] | None = None

    def addEventListener(
        self, type: str, callback: Listener | None, options: Mapping[str, object] | bool | None = None
    ) -> None:
        """Calls `callback` with each event of a type, in the order of adding; `{"once": True}` with one only.

        A callback that listens already is not added again.
        """
        if callback is None:
            return
        if self._find(type, callback) is None:
            once = bool(options.get("once", False)) if isinstance(options, Mapping) else False
            self._register(type, _Registered(callback, once=once))

    def removeEventListener(
        self, type: str, callback: Listener | None, options: Mapping[str, object] | bool | None = None
    ) -> None:
        """Ends what `addEventListener` began; nothing if it did not. `options` are for the name's sake."""
        if callback is not None and (listener := self._find(type, callback)) is not None:
            self._remove(type, listener)

    def dispatchEvent(self, event: Event) -> bool:
        """Calls the listeners of the event's type; False if one prevented the default.

        Raises:
            DOMException: `InvalidStateError`, the event is being dispatched already.
        """
        if event._current_target is not None:  # pyright: ignore[reportPrivateUsage]
            raise DOMException(f"the event {event.type} is being dispatched already", "InvalidStateError")
        event._target = event._current_target = self  # pyright: ignore[reportPrivateUsage]
        try:
            for listener in tuple(self._listeners.get(event.type, ())):
                if listener.removed:
                    continue
                if listener.once:
                    self._remove(event.type, listener)
                self._call(listener.callback, event)
                if event._stopped:  # pyright: ignore[reportPrivateUsage]
                    break
        finally:
            event._current_target = None  # pyright: ignore[reportPrivateUsage]
            event._stopped = False  # pyright: ignore[reportPrivateUsage]
        return not event.defaultPrevented

    def fire(self, event: Event) -> bool:
        """Dispatches an event that nobody can prevent; whether anybody listens to it."""
        if not self._listeners.get(event.type):
            return False
        self.dispatchEvent(event)
        return True

    def has_listener(self, type: str) -> bool:
        """Whether anybody listens to events of that type."""
        return bool(self._listeners.get(type))

    def on(self, type: str) -> Callable[[_ListenerT], _ListenerT]:
        """A decorator: `@pc.on("track")` before a function or a coroutine function has it listen."""

        def listen(callback: _ListenerT) -> _ListenerT:
            self.addEventListener(type, callback)
            return callback

        return listen

    async def next_event(
        self,
        type: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - of the API
    ) -> Event:
        """The next event of a type. Raises TimeoutError after `timeout` seconds."""
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

        def resolve(event: Event) -> None:
            if not future.done():
                future.set_result(event)

        self.addEventListener(type, resolve)
        try:
            async with asyncio.timeout(timeout):
                return await future
        finally:
            self.removeEventListener(type, resolve)

    def _handler(self, type: str) -> Listener | None:
        registered = self._handlers.get(type)
        return None if registered is None else registered.callback

    def _set_handler(self, type: str, callback: Listener | None) -> None:
        """HTML section 8.1.8.1: a handler that replaces another one keeps its place in the order."""
        registered = self._handlers.get(type)
        if callback is None:
            if registered is not None:
                self._handlers = {name: one for name, one in self._handlers.items() if name != type}
                self._remove(type, registered)
        elif registered is not None:
            registered.callback = callback
        else:
            registered = _Registered(callback)
            self._handlers = {**self._handlers, type: registered}
            self._register(type, registered)

    def _register(self, type: str, listener: _Registered) -> None:
        if type in self._listeners:
            self._listeners[type].append(listener)
        else:
            self._listeners = {**self._listeners, type: [listener]}

    def _find(self, type: str, callback: Listener) -> _Registered | None:
        handler = self._handlers.get(type)
        for listener in self._listeners.get(type, ()):
            if listener is not handler and listener.callback == callback:
                return listener
        return None

    def _remove(self, type: str, listener: _Registered) -> None:
        listener.removed = True
        listeners = self._listeners.get(type, [])
        if listener in listeners:
            listeners.remove(listener)

    def _call(self, callback: Listener, event: Event) -> None:
        try:
            result = callback(event)
            if result is not None and isinstance(result, Awaitable):
                self._run(cast(Awaitable[object], result), event)
        except Exception:
            _log.exception("a listener of %s failed", event.type)

    def _run(self, awaitable: Awaitable[object], event: Event) -> None:
        async def finish() -> None:
            try:
                await awaitable
            except Exception:
                _log.exception("a listener of %s failed", event.type)

        coroutine = finish()
        try:
            task = asyncio.get_running_loop().create_task(coroutine)
        except RuntimeError:
            coroutine.close()
            if asyncio.iscoroutine(awaitable):
                awaitable.close()
            raise
        event._unfinished += (task,)  # pyright: ignore[reportPrivateUsage]
        if self._running is None:
            self._running = set()
        self._running.add(task)
        task.add_done_callback(self._running.discard)


class EventHandler(Generic[_EventT]):
    """An `on<event>` attribute of an `EventTarget` (HTML section 8.1.8.1): a callback, or None."""

    def __set_name__(self, owner: type[EventTarget], name: str) -> None:
        self._type = name.removeprefix("on")
        self.__doc__ = f"Called with each `{self._type}` event."

    @overload
    def __get__(self, target: None, owner: type[EventTarget]) -> Self: ...

    @overload
    def __get__(
        self, target: EventTarget, owner: type[EventTarget]
    ) -> Callable[[_EventT], object] | None: ...

    def __get__(
        self, target: EventTarget | None, owner: type[EventTarget]
    ) -> Self | Callable[[_EventT], object] | None:
        """The callback of a target."""
        return self if target is None else target._handler(self._type)  # pyright: ignore[reportPrivateUsage]

    def __set__(self, target: EventTarget, callback: Callable[[_EventT], object] | None) -> None:
        """Replaces it; what is not callable is None, as in HTML."""
        target._set_handler(  # pyright: ignore[reportPrivateUsage]
            self._type, callback if callable(callback) else None
        )
