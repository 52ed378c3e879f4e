"""Programs that are started to see how long they take."""
