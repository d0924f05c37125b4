"""Train a PyTorch classifier on an imbalanced image folder, with and without synthetic images.

python examples/train_pytorch_classifier.py photos/train photos/test --budget 180
"""

import argparse
import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler

from ganaug import AugmentedDataset, ImageFolder
from ganaug.cli.demo_data import write_digits
from ganaug.training import fit

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folders", type=Path, nargs="*", help="to train on and to test on; by default a few digits")
parser.add_argument("--budget", type=float, default=60, help="seconds of training for the generator")
parser.add_argument("--steps", type=int, help="most training steps for the generator")
parser.add_argument("--classifier-steps", type=int, default=300)
args = parser.parse_args()
if len(args.folders) not in (0, 2):
    parser.error("give two folders, one to train on and one to test on, or none")
with tempfile.TemporaryDirectory() as scratch:  # images are read into memory, so that it may go
    if not args.folders:
        args.folders = [Path(scratch) / "train", Path(scratch) / "test"]
        write_digits(*args.folders)
    try:
        train = ImageFolder(args.folders[0])
        test = ImageFolder(args.folders[1], train.data.codec.size)
        generator = fit(train.data, time_budget=args.budget, max_steps=args.steps, random_state=0)
    except (ValueError, OSError) as error:  # whatever is wrong with the folders
        parser.exit(2, f"Error: {error}\n")


def recall_after_training_on(dataset):
    """Train for the same number of steps whatever the dataset, and return the recall of every class."""
    torch.manual_seed(0)
    body = [(nn.LazyConv2d(w, 3, padding=1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.MaxPool2d(2)) for w in (32, 64, 64)]
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(len(train.classes))
    model = nn.Sequential(*sum(body, ()), *head)
    model(train[0][0][None])  # gives the lazy layers their shapes
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for image, label in DataLoader(dataset, 64, sampler=RandomSampler(dataset, num_samples=64 * args.classifier_steps)):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(image), label).backward()
        optimizer.step()
    with torch.no_grad():
        predicted = torch.cat([model.eval()(image).argmax(1) for image, _ in DataLoader(test, 256)])
    hit, target = (predicted == torch.tensor(test.targets)).float(), torch.tensor(test.targets)
    return [float(hit[target == value].mean()) for value in range(len(test.classes))]


without, with_synthetic = recall_after_training_on(train), recall_after_training_on(AugmentedDataset(train, generator))
print("class        images  recall without  with synthetic images")
for name, *row in zip(train.classes, train.data.counts.values(), without, with_synthetic, strict=True):
    print(f"{name:<12} {row[0]:>6} {row[1]:>15.1%} {row[2]:>22.1%}")
