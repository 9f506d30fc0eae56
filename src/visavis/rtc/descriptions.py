"""Creating and setting descriptions (webrtc-pc sections 4.4.1.5 and 4.4.2): the steps of each operation."""

import contextlib
from collections.abc import Generator

from visavis.errors import (
    DOMException,
    InvalidDescriptionError,
    ModifiedDescriptionError,
    SdpError,
    StateError,
    VisavisError,
)
from visavis.events import Event
from visavis.jsep import (
    Changes,
    SdpType,
    Session,
    SignalingState,
    create_answer,
    create_offer,
    set_local,
    set_remote,
    with_offer_options,
)
from visavis.rtc.connection import Connection
from visavis.rtc.data_channel import RTCDataChannel
from visavis.rtc.error import RTCError, RTCErrorDetailType, RTCErrorInit
from visavis.rtc.options import RTCOfferOptions
from visavis.rtc.session_description import (
    RTCLocalSessionDescriptionInit,
    RTCSdpType,
    RTCSessionDescriptionInit,
)
from visavis.rtc.track_event import RTCTrackEvent

_STABLE = SignalingState.STABLE
_OFFER_STATES = (_STABLE, SignalingState.HAVE_LOCAL_OFFER)
_ANSWER_STATES = (SignalingState.HAVE_REMOTE_OFFER, SignalingState.HAVE_LOCAL_PRANSWER)
_NO_ROLLBACK_STATES = (
    _STABLE,
    SignalingState.HAVE_LOCAL_PRANSWER,
    SignalingState.HAVE_REMOTE_PRANSWER,
)


async def offer(connection: Connection, options: RTCOfferOptions) -> RTCSessionDescriptionInit:
    """The operation of `createOffer`."""
    if connection.session.signaling_state not in _OFFER_STATES:
        raise DOMException(
            f"no offer can be made in {connection.session.signaling_state}", "InvalidStateError"
        )
    connection.fill_pool()
    await connection.tasks.turn()
    with _w3c_errors():
        session = with_offer_options(
            connection.session,
            connection,
            audio=options.offerToReceiveAudio,
            video=options.offerToReceiveVideo,
        )
        restart = options.iceRestart or connection.needs_ice_restart
        session, text = create_offer(session, connection, ice_restart=restart)
    connection.replace(session)
    connection.remember_proposal()
    return RTCSessionDescriptionInit(RTCSdpType.OFFER, text)


async def answer(connection: Connection) -> RTCSessionDescriptionInit:
    """The operation of `createAnswer`."""
    if connection.session.signaling_state not in _ANSWER_STATES:
        raise DOMException(
            f"no answer can be made in {connection.session.signaling_state}", "InvalidStateError"
        )
    await connection.tasks.turn()
    with _w3c_errors():
        session, text = create_answer(connection.session, connection)
    connection.replace(session)
    connection.remember_proposal()
    return RTCSessionDescriptionInit(RTCSdpType.ANSWER, text)


async def set_local_description(connection: Connection, description: RTCLocalSessionDescriptionInit) -> None:
    """The operation of `setLocalDescription`; what is not given is made."""
    state = connection.session.signaling_state
    type = description.type
    if type is None:
        offers = state in (*_OFFER_STATES, SignalingState.HAVE_REMOTE_PRANSWER)
        type = RTCSdpType.OFFER if offers else RTCSdpType.ANSWER
    text = description.sdp
    if type is not RTCSdpType.ROLLBACK:
        session = connection.session
        proposal = session.last_offer if type is RTCSdpType.OFFER else session.last_answer
        last = "" if proposal is None else proposal.text
        if text and text != last:
            raise DOMException("the description is not the one last created", "InvalidModificationError")
        if not text:
            text = last if last and connection.proposal_is_accurate() else ""
        if not text:
            made = offer(connection, RTCOfferOptions()) if type is RTCSdpType.OFFER else answer(connection)
            text = (await made).sdp
    await _set(connection, type, text, remote=False)


async def set_remote_description(connection: Connection, description: RTCSessionDescriptionInit) -> None:
    """The operation of `setRemoteDescription`; an offer that collides with ours rolls ours back."""
    collides = connection.session.signaling_state is SignalingState.HAVE_LOCAL_OFFER
    if description.type is RTCSdpType.OFFER and collides:
        await _set(connection, RTCSdpType.ROLLBACK, "", remote=False)
    await _set(connection, description.type, description.sdp, remote=True)


async def _set(connection: Connection, type: RTCSdpType, text: str, *, remote: bool) -> None:
    """Section 4.4.1.5, "set a session description"."""
    if type is RTCSdpType.ROLLBACK and connection.session.signaling_state in _NO_ROLLBACK_STATES:
        raise DOMException(
            f"nothing can be rolled back in {connection.session.signaling_state}", "InvalidStateError"
        )
    await connection.tasks.turn()
    while any(transceiver.sender.applying for transceiver in connection.transceivers):
        await connection.tasks.turn()
    with _w3c_errors():
        if remote:
            session, changes = set_remote(connection.session, SdpType(type), text, connection)
        else:
            session, changes = set_local(connection.session, SdpType(type), text)
    _apply(connection, session, changes, type)


def _apply(connection: Connection, session: Session, changes: Changes, type: RTCSdpType) -> None:
    before = connection.session.signaling_state
    if session.signaling_state is SignalingState.HAVE_LOCAL_OFFER:
        connection.needs_ice_restart = False
    if type is RTCSdpType.OFFER and before is _STABLE:
        for transceiver in connection.transceivers:
            transceiver.sender.remember_stable()
    connection.transports.create(session)
    connection.replace(session)
    for transceiver in connection.transceivers:
        transceiver.sender.forget_parameters()
    for key in changes.stopped:
        connection.end_receiving(connection.transceiver(key).receiver)
    connection.transports.apply(session, changes, rolled_back=type is RTCSdpType.ROLLBACK)
    connection.media.update()
    failed = connection.data.apply(changes)
    stable = session.signaling_state is _STABLE
    if stable:
        for transceiver in connection.transceivers:
            transceiver.sender.settle_codecs()
        connection.negotiation.clear()
        connection.negotiation.update()
    fire_states = connection.derive_states()
    if session.signaling_state is not before:
        connection.target.dispatchEvent(Event("signalingstatechange"))
    if connection.closed:
        return
    _tell_tracks(connection, changes, failed)
    if connection.session.signaling_state is _STABLE:
        connection.forget_removed()
    connection.tasks.queue(fire_states)


def _tell_tracks(connection: Connection, changes: Changes, failed: list[RTCDataChannel]) -> None:
    """The last steps: muting, streams that lose and get tracks, track events, of which one may close the
    connection."""
    for channel in failed:
        connection.data.fail(channel)
    for change in changes.tracks:
        if change.mute:
            connection.transceiver(change.transceiver).receiver.mute()
    for change in changes.tracks:
        track = connection.transceiver(change.transceiver).receiver.track
        for id in change.removed:
            connection.stream(id).remove_remote_track(track)
    for change in changes.tracks:
        track = connection.transceiver(change.transceiver).receiver.track
        for id in change.added:
            connection.stream(id).add_remote_track(track)
    for change in changes.tracks:
        if change.fire and not connection.closed:
            transceiver = connection.transceiver(change.transceiver)
            streams = [connection.stream(id) for id in change.streams]
            connection.target.dispatchEvent(
                RTCTrackEvent(
                    "track",
                    {
                        "receiver": transceiver.receiver,
                        "track": transceiver.receiver.track,
                        "streams": streams,
                        "transceiver": transceiver,
                    },
                )
            )


@contextlib.contextmanager
def _w3c_errors() -> Generator[None]:
    """Turns what negotiation raises into what the standard names."""
    try:
        yield
    except StateError as error:
        raise DOMException(str(error), "InvalidStateError") from error
    except ModifiedDescriptionError as error:
        raise DOMException(str(error), "InvalidModificationError") from error
    except InvalidDescriptionError as error:
        raise DOMException(str(error), "InvalidAccessError") from error
    except SdpError as error:
        init = RTCErrorInit(RTCErrorDetailType.SDP_SYNTAX_ERROR, sdpLineNumber=error.line)
        raise RTCError(init, str(error)) from error
    except DOMException:
        raise
    except VisavisError as error:
        raise DOMException(str(error), "OperationError") from error
