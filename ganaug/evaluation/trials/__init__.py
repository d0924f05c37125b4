"""One split of a comparison: the same classifier, trained in every arm."""
