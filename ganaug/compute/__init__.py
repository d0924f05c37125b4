"""Devices, threads and torch's global modes."""
