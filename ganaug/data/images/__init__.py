"""Images: files, labelled folders, and arrays of one size."""
