"""One update as a worked solution, a script or arrays."""
