"""The catalogue of mistakes, and which of them a wrong derivative looks like."""
