"""Trust: whether a derivative, a formula or the user's own numbers are right, and what the mistake is."""
