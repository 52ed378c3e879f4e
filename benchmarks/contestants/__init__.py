"""Who takes part: each sends the same order and reads the same contract."""
