"""The data of the demonstrations: data sets of scikit-learn, with a long tail."""
