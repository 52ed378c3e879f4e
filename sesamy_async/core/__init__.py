"""What a call is and what can become of it; no I/O, no event loop."""
