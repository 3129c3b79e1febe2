"""Drawing: pure functions from a frozen view to lines of text with roles."""
