"""The demonstrations: data that come with scikit-learn, given a long tail, and what synthetic samples are worth."""
