"""Processes that share the rate of one service."""
