"""ganaug inside other libraries: scikit-learn, imbalanced-learn, PyTorch, albumentations, Ray and Spark."""
