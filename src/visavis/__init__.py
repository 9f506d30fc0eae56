"""visavis: WebRTC, complete, in one Python package."""
