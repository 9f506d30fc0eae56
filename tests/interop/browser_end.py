"""A browser's end, in an empty page: its fake camera and microphone, and what `getStats` says."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.interop.browser_channels import BrowserChannels
from tests.interop.ends import Candidate, Configuration, Description, Media, Route
from tests.interop.pages import Page, until

START = """
    globalThis.pc = new RTCPeerConnection(argument);
    globalThis.sending = [];
    globalThis.found = [];
    globalThis.waiting = null;
    globalThis.pictures = new Map();
    pc.onicecandidate = ({ candidate }) => {
        if (candidate !== null && candidate.candidate === '') return;
        found.push(candidate && candidate.toJSON());
        waiting?.();
    };
    // Sound is played too: Chromium decodes none that nobody listens to.
    pc.ontrack = ({ track, receiver }) => {
        const element = document.body.appendChild(document.createElement(track.kind));
        Object.assign(element, { autoplay: true, srcObject: new MediaStream([track]) });
        if (track.kind === 'video') pictures.set(receiver, element);
    };
"""
SEND = """
    const stream = await navigator.mediaDevices.getUserMedia(argument);
    for (const track of stream.getTracks()) sending.push(pc.addTrack(track, stream));
"""
SEND_LAYERS = """
    const stream = await navigator.mediaDevices.getUserMedia({ video: argument.size });
    const sendEncodings = Object.entries(argument.scales)
        .map(([rid, scaleResolutionDownBy]) => ({ rid, scaleResolutionDownBy }));
    const init = { direction: 'sendonly', streams: [stream], sendEncodings };
    for (const track of stream.getTracks()) sending.push(pc.addTransceiver(track, init).sender);
"""
CHOOSE_LAYERS = """
    for (const sender of sending) {
        const parameters = sender.getParameters();
        for (const encoding of parameters.encodings) encoding.active = argument.includes(encoding.rid);
        await sender.setParameters(parameters);
    }
"""
STOP_SENDING = """
    const sender = sending.findLast(one => one.track.kind === argument);
    sending.splice(sending.indexOf(sender), 1);
    sender.track.stop();
    pc.removeTrack(sender);
"""
DESCRIBE = "await pc.setLocalDescription(); return pc.localDescription.toJSON();"
ACCEPT = "await pc.setRemoteDescription(argument);"
NEXT_CANDIDATE = """
    if (found.length === 0) await new Promise(resolve => { globalThis.waiting = resolve; });
    return found.shift();
"""
ADD_CANDIDATE = "await pc.addIceCandidate(argument);"
CLOSE = "pc.close(); for (const sender of sending) sender.track?.stop();"
CONNECTED = "() => pc.connectionState === 'connected'"
# While a restart has nominated none, Firefox has no pair.
ROUTE = """async () => {
    const stats = await pc.getStats();
    const { selectedCandidatePairId } = [...stats.values()].find(one => one.type === 'transport');
    const pair = stats.get(selectedCandidatePairId);
    const [local, remote] = [pair?.localCandidateId, pair?.remoteCandidateId].map(id => stats.get(id));
    return local && remote && {
        local: local.candidateType,
        remote: remote.candidateType,
        relay_protocol: local.relayProtocol ?? null,
    };
}"""

# The inbound statistics, and the pixels of video, of each track that is to be received.
RECEIVED = """async (kind) => {
    const receiving = pc.getTransceivers().filter(one =>
        ['sendrecv', 'recvonly'].includes(one.currentDirection) && one.receiver.track.kind === kind);
    return Promise.all(receiving.map(async ({ mid, receiver }) => {
        const inbound = [...(await receiver.getStats()).values()].find(one => one.type === 'inbound-rtp');
        const video = pictures.get(receiver);
        let pixels = null;
        if (video?.videoWidth) {
            const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 });
            const context = canvas.getContext('2d');
            context.drawImage(video, 0, 0, 64, 36);
            pixels = context.getImageData(0, 0, 64, 36).data.join();
        }
        return { mid, pixels, frames: inbound?.framesDecoded ?? 0, energy: inbound?.totalAudioEnergy ?? 0 };
    }));
}"""
SEEN = f"""async (count) => {{
    const now = await ({RECEIVED})('video');
    return now.length === count && now.every(one => one.pixels !== null) && now;
}}"""
MOVED = f"""async (before) => {{
    const now = await ({RECEIVED})('video');
    return before.every(({{ mid, pixels, frames }}) => now.some(one =>
        one.mid === mid && one.frames > frames && one.pixels !== pixels));
}}"""
HEARD = f"""async (before) => {{
    const now = await ({RECEIVED})('audio');
    return before.length > 0 && before.every(({{ mid, energy }}) => now.some(one =>
        one.mid === mid && one.energy > energy + 1e-4));
}}"""


class BrowserEnd:
    """Its page must be one that may use a camera, so of a secure context."""

    def __init__(self, name: str, page: Page) -> None:
        self.name = name
        self._page = page
        self._channels = BrowserChannels(page)

    @property
    def channels(self) -> BrowserChannels:
        return self._channels

    def open(self, configuration: Configuration) -> None:
        self._run(START, dict(configuration))
        self._channels.start()

    def send(self, *kinds: Media) -> None:
        self._run(SEND, dict.fromkeys(kinds, True))

    def send_layers(self, width: int, height: int, scales: Mapping[str, float]) -> None:
        """Adds a picture in several layers: by their rids, by how much each is scaled down."""
        self._run(SEND_LAYERS, {"size": {"width": width, "height": height}, "scales": dict(scales)})

    def choose_layers(self, rids: Sequence[str]) -> None:
        """Sends these layers, and no others."""
        self._run(CHOOSE_LAYERS, list(rids))

    def stop_sending(self, kind: Media) -> None:
        self._run(STOP_SENDING, kind)

    def restart_ice(self) -> None:
        self._run("pc.restartIce();")

    def describe(self) -> Description:
        description: Description = self._run(DESCRIBE)
        return description

    def accept(self, description: Description) -> None:
        self._run(ACCEPT, description)

    def next_candidate(self) -> Candidate | None:
        candidate: Candidate | None = self._run(NEXT_CANDIDATE)
        return candidate

    def add_candidate(self, candidate: Candidate) -> None:
        self._run(ADD_CANDIDATE, candidate)

    def connected(self) -> None:
        self._page.wait_for_function(CONNECTED)

    def route(self) -> Route:
        return Route(**until(self._page, ROUTE))

    def sees(self, pictures: int = 1) -> None:
        until(self._page, MOVED, until(self._page, SEEN, pictures))

    def hears(self) -> None:
        until(self._page, HEARD, self._page.evaluate(RECEIVED, "audio"))

    def close(self) -> None:
        self._run(CLOSE)

    def _run(self, body: str, argument: object = None) -> Any:
        return self._page.evaluate(f"async (argument) => {{ {body} }}", argument)
