"""Clips and volumes: files, labelled folders, and the codec that gives all clips one shape."""
