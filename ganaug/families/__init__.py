"""How each kind of model learns: a family takes a batch, improves its networks, and offers a generator."""
