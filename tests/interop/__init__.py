"""A package, so that fixtures of its scope, as Playwright with its event loop, end with its tests."""
