"""The albumentations interface: transforms that give an image another content or another style, and keep its label.

The modules are imported one by one: `SyntheticSwap` needs no torch.
"""
