"""Tables: files, columns of each kind, and the constraints between them."""
