"""Signals: files, labelled folders, and the codec that gives all signals one length."""
