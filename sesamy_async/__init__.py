"""Python SDK for Sesamy's third-party onboarding API."""
