"""Each codec that browsers offer goes through the server as it is."""

import pytest
from playwright.sync_api import BrowserContext

from tests.interop.serving import ServerProcess
from tests.interop.tabs import Tab

PREFER = """(() => {
  const addTransceiver = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (trackOrKind, init) {
    const transceiver = addTransceiver.call(this, trackOrKind, init);
    const kind = transceiver.receiver.track.kind;
    if (kind === 'video') {
      const { codecs } = RTCRtpSender.getCapabilities('video');
      const named = ({ mimeType, sdpFmtpLine }) => `${mimeType};${sdpFmtpLine ?? ''}`.includes('NAME');
      const preferred = codecs.filter(named);
      const repair = codecs.filter((codec) => codec.mimeType === 'video/rtx');
      if (preferred.length === 0) throw new Error('this browser does not send NAME');
      transceiver.setCodecPreferences([...preferred, ...repair]);
    }
    return transceiver;
  };
})()"""
"""Publishes with one codec only, as a browser would that has no other."""

RECEIVED = """async () => {
  const stats = await window.visavis.connections().subscribe.getStats();
  const video = [...stats.values()].find((stat) => stat.type === 'inbound-rtp' && stat.kind === 'video');
  const codec = stats.get(video.codecId);
  return `${codec.mimeType};${codec.sdpFmtpLine ?? ''}`;
}"""


CONSTRAINED_BASELINE = "profile-level-id=42e01f"


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("video/VP8", "video/VP8"),
        ("video/VP9;profile-id=0", "video/VP9;profile-id=0"),
        ("video/AV1", "video/AV1"),
        (f"packetization-mode=1;{CONSTRAINED_BASELINE}", f"packetization-mode=1;{CONSTRAINED_BASELINE}"),
        # Single NAL units are what a receiver of mode 1 takes as well (RFC 6184 section 6.3).
        (f"packetization-mode=0;{CONSTRAINED_BASELINE}", f"packetization-mode=1;{CONSTRAINED_BASELINE}"),
    ],
)
def test_a_picture_arrives_in_the_codec_it_was_sent_in(
    context: BrowserContext, server: ServerProcess, sent: str, received: str
) -> None:
    context.add_init_script(PREFER.replace("NAME", sent))
    ada = Tab.joining(context.new_page(), server.url, "codecs", "Ada")
    bob = Tab.joining(context.new_page(), server.url, "codecs", "Bob")
    ada.sees("Bob")
    bob.sees("Ada")
    assert received in ada.page.evaluate(RECEIVED)
