"""Time: a clock over executed stages, edits, stops and runs between them."""
