"""From files, frames and arrays to what networks see, and back; numpy only, no torch."""
