"""
Photographs in the style of others
==================================

This program shows the two photographs that scikit-learn brings in the colours and the texture of each other, at three
strengths. No training is needed::

    python examples/restyle_photographs.py

The class of an image stays, if colour and texture are not what tells the classes apart.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_sample_images

from ganaug import restyle

# %%
# Two photographs
# ---------------
# Arrays of uint8 of shape (height, width, 3). Every second pixel is enough here.

temple, flower = (image[::2, ::2] for image in load_sample_images().images)

# %%
# Each in the style of the other
# ------------------------------
# At the strength 0 an image stays exactly as it is. At 1 its colours and its texture are those of the other.

strengths = (0.0, 0.5, 1.0)
figure, axes = plt.subplots(2, len(strengths), figsize=(9, 4.4), layout="tight")
for row, content, style in zip(axes, (temple, flower), (flower, temple), strict=True):
    for axis, strength in zip(row, strengths, strict=True):
        image = restyle(content, style, strength)
        axis.imshow(image)
        axis.set_title(f"strength {strength}")
        axis.axis("off")
        print(f"strength {strength}: mean colour {image.mean(axis=(0, 1)).round().astype(int)}")
plt.show()
