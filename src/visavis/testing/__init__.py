"""The test kit: virtual clock, fake planes, fake browsers."""
