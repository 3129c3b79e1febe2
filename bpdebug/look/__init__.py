"""What the panes and the commands show of a moment: explanations, equations, surfaces, health."""
