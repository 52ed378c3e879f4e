"""Orders that go on by themselves: a Temporal workflow for each of them."""
