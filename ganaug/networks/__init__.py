"""The modules that learn, and the modalities: how each kind of data enters and leaves them."""
