"""The worlds the core runs in: an event loop, or a thread that blocks."""
