"""The only door to the Rust data plane."""
