"""The user's own numbers beside ours: reading them, naming them, judging them."""
