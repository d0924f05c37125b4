"""
Balance time series with one rare class
=======================================

This program makes heart beats of two kinds, of which one is rare, and draws synthetic ones::

    python examples/rare_heart_beats.py
"""

import argparse
import os

import matplotlib.pyplot as plt
import numpy as np

from ganaug import GANAugmenter

small = "GANAUG_SMALL" in os.environ
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=5 if small else 1500, help="training steps of the generator")
args = parser.parse_args()

# %%
# Beats of two kinds
# ------------------
# A normal beat has a small wave, a sharp peak and a broad wave. The rare beat comes early, and its peak is broad. All
# beats differ a little in tempo and size.

random = np.random.default_rng(0)
time = np.linspace(0, 1, 128)


def bump(centre, width, height):
    """Return a wave of random tempo and size."""
    tempo, size = random.uniform(0.93, 1.07), random.uniform(0.8, 1.2)
    return size * height * np.exp(-(((time * tempo - centre) / width) ** 2))


def beat(kind):
    """Return a noisy beat."""
    early, broad = (0.1, 2.5) if kind == "rare" else (0.0, 1.0)
    waves = bump(0.25 - early, 0.04, 0.2) + bump(0.4 - early, 0.015 * broad, 1.0) + bump(0.65 - early, 0.07, 0.3)
    return waves + random.normal(0, 0.01, len(time))


y = np.array(["normal"] * 80 + ["rare"] * 10)
X = np.stack([beat(kind) for kind in y])

# %%
# Balanced beats
# --------------
# ``signal=True`` says that each row is a signal, and not a row of a table.

augmenter = GANAugmenter(signal=True, max_steps=args.steps, random_state=0).fit(X, y)
_, y_balanced = augmenter.transform(X, y)
counts = {str(kind): int((y_balanced == kind).sum()) for kind in np.unique(y)}
print(f"{len(X)} real and {len(y_balanced) - len(y)} synthetic beats: {counts}")

# %%
# Real beats on the left, synthetic ones on the right
# ---------------------------------------------------

figure, panels = plt.subplots(2, 2, figsize=(8, 4), sharex=True, sharey=True, layout="constrained")
for row, kind in zip(panels, ("normal", "rare"), strict=True):
    synthetic, _ = augmenter.sample({kind: 8})
    for axes, beats, colour in zip(row, (X[y == kind][:8], synthetic), ("#b06a3b", "#1f6f78"), strict=True):
        axes.plot(time, beats.T, color=colour, linewidth=0.8)
    row[0].set_ylabel(kind)
figure.supxlabel("time")
plt.show()
