"""Derivatives against differences: what is perturbed, what comes out, the verdict."""
