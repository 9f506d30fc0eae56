"""The page, its files, and what operators ask by HTTP."""

from visavis.web.app import SiteContent, create_app

__all__ = ["SiteContent", "create_app"]
