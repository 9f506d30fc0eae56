"""Files from one end to another: `visavis send` and `visavis receive` (docs/transfer.md)."""
