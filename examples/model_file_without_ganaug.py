"""
Draw images without ganaug
==========================

A model file is an ordinary ONNX file. This program draws digits from it with numpy and onnxruntime alone::

    python examples/model_file_without_ganaug.py onnx_models/digits.onnx
"""

import argparse
import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import, or ONNX Runtime sends telemetry
import onnxruntime

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", nargs="?", help="a model file of images; by default one of the shipped models")
args = parser.parse_args()
if args.model is None:
    here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
    args.model = str(here.parent / "onnx_models" / "mnist.onnx")

# %%
# Read what the file says about itself
# ------------------------------------
# The property ``ganaug`` holds JSON: the classes, the width of the noise, a summary of the training, and more.

session = onnxruntime.InferenceSession(args.model)
about = json.loads(session.get_modelmeta().custom_metadata_map["ganaug"])
print("classes:", *about["classes"])
print("noise:  ", about["noise_dim"], "standard normal numbers for each image")
print("inputs: ", *(f"{one.name} {one.type}" for one in session.get_inputs()))
print("outputs:", *(f"{one.name} {one.type}" for one in session.get_outputs()))

# %%
# Draw eight images of every class
# --------------------------------
# All randomness comes in through ``noise``. The same noise and label give the same image.

count = 8
label = np.repeat(np.arange(len(about["classes"]), dtype=np.int64), count)
noise = np.random.default_rng(0).standard_normal((len(label), about["noise_dim"]), dtype=np.float32)
images, agreement = session.run(["image", "agreement"], {"noise": noise, "label": label})
print("images: ", images.shape, images.dtype)

# %%
# ``agreement`` is the probability that a classifier in the file, the screen, gives the label. ganaug draws again where
# it is low. Here the images are shown as they come, and a low agreement is marked.

figure, grid = plt.subplots(count, len(about["classes"]), figsize=(6, 5), layout="constrained")
for place, image, sure in zip(grid.T.flat, images, agreement, strict=True):
    place.imshow(image.squeeze(), cmap="gray")
    place.set(xticks=[], yticks=[])
    place.spines[:].set(color="#d9480f" if sure < 0.6 else "white", linewidth=2)
plt.show()
