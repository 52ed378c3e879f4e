"""What an import intends and what came of it, on disk before and after."""
