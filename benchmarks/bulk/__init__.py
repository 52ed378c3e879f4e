"""What an import of a file costs."""
