"""What is no HTTP: counted, and kept out of the log, which a stranger could fill otherwise."""

import logging

from aiohttp.http_exceptions import HttpProcessingError

_PARENT = logging.getLogger("visavis.web.http")


class MalformedRequests(logging.Filter):
    """Counts requests that cannot be parsed (RFC 9112); aiohttp answers 400 and would log each."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps whatever is not about a malformed request and important enough to be written."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            self.count += 1
            return False
        return record.levelno >= _PARENT.getEffectiveLevel()

    def logger(self) -> logging.Logger:
        """A logger for aiohttp's server that passes on what is left."""
        logger = logging.Logger(_PARENT.name, logging.DEBUG)
        logger.parent = _PARENT
        logger.addFilter(self)
        return logger
