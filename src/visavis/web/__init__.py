"""The page, its files, and what operators ask by HTTP."""

from visavis.web.app import SiteContent, create_app
from visavis.web.hosts import KnownHosts
from visavis.web.strangers import MalformedRequests

__all__ = ["KnownHosts", "MalformedRequests", "SiteContent", "create_app"]
