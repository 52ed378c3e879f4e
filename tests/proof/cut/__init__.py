"""Calls that are cancelled at each of their awaits."""
