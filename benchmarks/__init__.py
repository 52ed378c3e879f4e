"""How fast the SDK is, beside its peers: ``python -m benchmarks``."""
