"""Learning by guessing: the hunt, predictions, the tour."""
