"""Images: files, labelled folders, and the codec that gives all images one size."""
