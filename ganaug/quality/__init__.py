"""How good synthetic data is: fidelity, copies, and what it is worth to a classifier."""
