"""ganaug inside other libraries: scikit-learn, imbalanced-learn, PyTorch and albumentations."""
