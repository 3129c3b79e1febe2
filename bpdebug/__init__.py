"""bpdebug: a step-through debugger for back-propagation."""
