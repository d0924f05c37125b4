"""What goes wrong around a command: kills and signals at random moments, full disks, vanished folders, odd clocks."""
