"""Calls that would go on for ever if there were no deadline."""
