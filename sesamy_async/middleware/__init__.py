"""What a call walks through on its way out and back, one file each.

Outermost first: the caller's own, log, deadline, retry, pace, authorize;
then the exchange with Sesamy.
"""
