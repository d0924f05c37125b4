"""Whether synthetic samples look real, are copies, and help a classifier."""
