"""What a media element of a page does with a stream: it takes the frames of the first picture track."""

import asyncio

from visavis import MediaStream
from visavis.events import Event, EventTarget
from visavis.media import VideoFrame


class Screen(EventTarget):
    """Shows a stream until the page is over; fires `loadedmetadata` once it knows the size of pictures."""

    def __init__(self, stream: MediaStream) -> None:
        super().__init__()
        self.width = 0
        self.height = 0
        self._showing = asyncio.get_running_loop().create_task(self._show(stream))

    async def _show(self, stream: MediaStream) -> None:
        tracks = stream.getVideoTracks()
        if not tracks:
            return
        async for frame in tracks[0]:
            if not self.width and isinstance(frame, VideoFrame):
                self.width, self.height = frame.width, frame.height
                self.dispatchEvent(Event("loadedmetadata"))
