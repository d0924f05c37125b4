"""Fill an image folder up with synthetic images until its classes are equally large.

python examples/balance_image_folder.py photos/ balanced/ --budget 180

The command line does the same, and checks more: ganaug fit photos/ --output photos.onnx, then
ganaug balance photos/ photos.onnx --output balanced/
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from ganaug.cli.demo_data import write_digits
from ganaug.data.images.dataset import load_folder
from ganaug.files import atomic_folder, check_writable
from ganaug.training import fit

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("source", type=Path, nargs="?", help="one subfolder of images per class; by default a few digits")
parser.add_argument("output", type=Path, nargs="?", default=Path("balanced"), help="a new folder")
parser.add_argument("--budget", type=float, default=60, help="seconds of training")
parser.add_argument("--steps", type=int, help="most training steps")
args = parser.parse_args()


def balance(source, output):
    """Fill the classes of one folder up, in another."""
    check_writable(output, folder=True)  # before the minutes of training

    # Learn from the folder, and keep the generator: one ONNX file, which needs neither torch nor the images any more.
    data = load_folder(source)
    generator = fit(data, time_budget=args.budget, max_steps=args.steps, random_state=0)
    generator.save(output.with_suffix(".onnx"))

    # Copy the real images, and add to each class what the largest has more. The folder is there whole or not at all.
    largest = max(data.counts.values())
    with atomic_folder(output) as folder:
        for name, count in data.counts.items():
            shutil.copytree(source / name, folder / name)
            synthetic, _ = generator.sample({name: largest - count}, seed=0, screened=True)
            for number, image in enumerate(synthetic):
                Image.fromarray(image.squeeze()).save(folder / name / f"synthetic-{number:05}.png")
            print(f"{name}: {count} real and {len(synthetic)} synthetic images")
    print(f"Wrote {output}, and the generator to {output.with_suffix('.onnx')}")


with tempfile.TemporaryDirectory() as scratch:
    if args.source is None:
        args.source = Path(scratch) / "train"
        write_digits(args.source, Path(scratch) / "test")
    try:
        balance(args.source, args.output)
    except (ValueError, OSError) as error:  # whatever is wrong with the folders
        parser.exit(2, f"Error: {error}\n")
