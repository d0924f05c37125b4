"""The albumentations interface: transforms that give an image another content or another style, and keep its label.

The modules are imported one by one: `SyntheticSwap` needs no torch.
"""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # or albumentations asks the network for newer versions
