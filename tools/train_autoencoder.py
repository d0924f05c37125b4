"""Train the autoencoder that ganaug ships, from pictures that anyone may use and from drawn ones.

``docs/autoencoder.md`` lists the sources with their licences, and how to get them into one folder:

    python tools/train_autoencoder.py pool SOURCES POOL.npz
    python tools/train_autoencoder.py train POOL.npz RUN_FOLDER
    python tools/train_autoencoder.py export RUN_FOLDER ganaug/networks/autoencoder.safetensors

`pool` cuts crops and draws pictures. `train` can be interrupted and called again: it goes on from its checkpoint.
"""

import math
import time
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.files import atomic_write
from ganaug.networks.autoencoder import Decoder, Encoder
from ganaug.networks.decoder_tuning import reconstruction_loss

SIDE = 64  # pixels of a crop
LONGEST = 1600  # pixels of the longer side of a picture in memory
SOURCES = {
    # folder: (share of the photographs, glob patterns)
    "budgie-backgrounds": (0.40, ("backgrounds/*.jpg",)),
    "lomiri-wallpapers": (0.20, ("**/*_by_*.jpg",)),
    "market-hdris": (0.20, ("*.hdr",)),
    "opencv-samples": (0.20, ("*.jpg", "*.png")),
}
SHARE_ALIKE = ("analogpattern_by", "Bridge_by", "Dragonfly_by", "free_by", "greentock_by")
"""Pictures of lomiri-wallpapers that are CC-BY-SA, and so are left out."""
DOUBTFUL = ("digits", "messi", "lena", "baboon", "graf", "leuven", "starry_night", "logo", "Logo")
"""OpenCV samples that are left out: tests of ganaug, or pictures of unclear origin."""
HELD_OUT_EVERY = 6  # one picture in so many is for validation alone
DRAWN_SHARE = 0.35  # of the pool: pictures that a program drew

NOISE = 0.06  # standard deviation of the noise on the latents
EQUIVARIANCE = 0.5  # share of the steps that also decode transformed latents
PEAK_RATE = 1.5e-3  # learning rate of encoder and decoder
CRITIC_RATE = 3e-4  # learning rate of the adversary
WARM_UP = 300  # steps
FEATURE_WEIGHT = 5.0  # of the adversary's features, relative to its logits
POLISH_RATE = 4e-4  # learning rate of the decoder in the last phase
POLISH_NOISE = 0.03  # on the latents in the last phase
BATCH = 16  # images
CHECKPOINT = "run.safetensors"
CHECKPOINT_SECONDS = 120.0
REPORT_EVERY = 500  # steps
GLYPHS = "ABCDEFGHKLMNPRSTUXYZabcdefghknprstuxyz0123456789&?!@#%"


@click.group()
def main() -> None:
    """Train the autoencoder that ganaug ships."""


@main.command()
@click.argument("sources", type=click.Path(path_type=Path, exists=True))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--crops", default=90_000, show_default=True)
@click.option("--held-out", "n_held_out", default=1000, show_default=True, help="Crops of each kind for validation.")
@click.option("--seed", default=0, show_default=True)
def pool(sources: Path, target: Path, crops: int, n_held_out: int, seed: int) -> None:
    """Cut crops out of the pictures in SOURCES, draw others, and write all to TARGET."""
    random = np.random.default_rng(seed)
    learned: list[tuple[float, NDArray[np.uint8]]] = []
    held_out: list[tuple[float, NDArray[np.uint8]]] = []
    for folder, (share, patterns) in SOURCES.items():
        files = sorted(
            file
            for pattern in patterns
            for file in (sources / folder).glob(pattern)
            if not any(word in file.name for word in SHARE_ALIKE + DOUBTFUL)
        )
        pictures = [picture for picture in map(_read, files) if picture is not None]
        click.echo(f"{folder}: {len(pictures)} pictures")
        for i, picture in enumerate(pictures):
            (held_out if i % HELD_OUT_EVERY == 0 else learned).append((share / len(pictures), picture))
    drawn = round(crops * DRAWN_SHARE)
    np.savez(
        target,
        learned=np.concatenate([_crops(learned, crops - drawn, random), _drawings(drawn, random)]),
        photographs=_crops(held_out, n_held_out, random),
        drawings=_drawings(n_held_out, random),
    )


def _read(file: Path) -> NDArray[np.uint8] | None:
    picture: Any = cv2.imread(str(file), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if picture is None or min(picture.shape[:2]) < SIDE:
        return None
    if picture.dtype != np.uint8:  # a picture of high dynamic range: expose it so that its mean is a middle grey
        exposed = picture * (0.2 / max(1e-6, float(np.median(picture))))
        picture = (np.clip(exposed / (1 + 0.3 * exposed), 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)
    scale = LONGEST / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found: NDArray[np.uint8] = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    return found


def _crops(
    pictures: list[tuple[float, NDArray[np.uint8]]], count: int, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Cut squares at all scales, from a whole picture to its pixels, and change their light a little."""
    shares = np.array([share for share, _ in pictures])
    chosen = random.choice(len(pictures), count, p=shares / shares.sum())
    crops = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for i, one in enumerate(chosen):
        picture = pictures[one][1]
        height, width = picture.shape[:2]
        side = int(math.exp(random.uniform(math.log(SIDE), math.log(min(height, width)))))
        top, left = random.integers(height - side + 1), random.integers(width - side + 1)
        crop: Any = cv2.resize(
            picture[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA
        )
        crops[i] = _relit(crop, random)
    return crops


def _relit(crop: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    if random.random() < 0.2:
        crop = np.repeat(crop.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    if random.random() < 0.5:
        return crop
    values = crop.astype(np.float32) / 255
    values = values ** math.exp(random.uniform(-0.5, 0.5))
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * random.uniform(0.5, 1.6)
    if random.random() < 0.2:
        values = values[..., random.permutation(3)]
    lit: NDArray[np.uint8] = (np.clip(values * random.uniform(0.8, 1.25), 0, 1) * 255).astype(np.uint8)
    return lit


def _drawings(count: int, random: np.random.Generator) -> NDArray[np.uint8]:
    kinds = (_dead_leaves, _shapes, _glyphs, _pixels)
    return np.stack([kinds[i % len(kinds)](random) for i in range(count)])


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    if random.random() < 0.35:
        grey = (0, 255, int(random.integers(256)))[int(random.integers(3))]
        return grey, grey, grey
    red, green, blue = (int(value) for value in random.integers(0, 256, 3))
    return red, green, blue


def _ground(side: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return a plain ground, or a gradient between two colours."""
    ground = np.empty((side, side, 3), np.float32)
    ground[:] = _colour(random)
    if random.random() < 0.3:
        angle = random.uniform(0, 2 * math.pi)
        y, x = np.mgrid[0:side, 0:side] / side - 0.5
        share = np.clip(0.5 + x * math.cos(angle) + y * math.sin(angle), 0, 1)[..., None]
        ground = ground * (1 - share) + np.array(_colour(random), np.float32) * share
    return ground.astype(np.uint8)


def _dead_leaves(random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw discs and boxes of all sizes that hide one another (Lee, Mumford & Huang 2001), as objects in a scene do."""
    side = 2 * SIDE
    canvas = _ground(side, random)
    for _ in range(int(random.integers(10, 150))):
        radius = int(min(side / 2, 2 / random.uniform(0.02, 1.0) ** 1.0))
        x, y = (int(value) for value in random.integers(0, side, 2))
        if random.random() < 0.6:
            axes = (radius, max(1, int(radius * random.uniform(0.3, 1))))
            cv2.ellipse(canvas, (x, y), axes, float(random.uniform(0, 180)), 0, 360, _colour(random), -1)
        else:
            cv2.fillPoly(canvas, [_polygon((x, y), radius, random)], _colour(random))
    if random.random() < 0.5:
        canvas = np.clip(canvas + random.normal(0, random.uniform(2, 16), canvas.shape), 0, 255).astype(np.uint8)
    return _shrunk(canvas)


def _shapes(random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw few shapes with outlines on a ground, as clip-art and icons have."""
    side = 4 * SIDE
    canvas = _ground(side, random)
    for _ in range(int(random.integers(1, 8))):
        x, y = (int(value) for value in random.integers(0, side, 2))
        radius, line = int(random.integers(10, side // 2)), int(random.integers(2, 16))
        fill, outline = _colour(random), _colour(random) if random.random() < 0.5 else (0, 0, 0)
        kind = random.integers(4)
        if kind == 0:
            axes, angle = (radius, max(2, int(radius * random.uniform(0.2, 1)))), float(random.uniform(0, 180))
            cv2.ellipse(canvas, (x, y), axes, angle, 0, 360, fill, -1, cv2.LINE_AA)
            if random.random() < 0.6:
                cv2.ellipse(canvas, (x, y), axes, angle, 0, 360, outline, line, cv2.LINE_AA)
        elif kind in (1, 2):
            corners = [_polygon((x, y), radius, random)]
            if kind == 1:
                cv2.fillPoly(canvas, corners, fill, cv2.LINE_AA)
            if kind == 2 or random.random() < 0.6:
                cv2.polylines(canvas, corners, True, outline, line, cv2.LINE_AA)
        else:
            end = tuple(int(value) for value in random.integers(0, side, 2))
            cv2.line(canvas, (x, y), end, fill, line, cv2.LINE_AA)
    return _shrunk(canvas)


def _glyphs(random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw letters and digits, mostly black on white, white on black, or grey."""
    side = 4 * SIDE
    canvas = np.zeros((side, side, 3), np.uint8)
    grounds = [((0, 0, 0), (255, 255, 255)), ((255, 255, 255), (0, 0, 0)), (_colour(random), _colour(random))]
    ground, ink = grounds[int(random.integers(3))]
    canvas[:] = ground
    for _ in range(int(random.integers(1, 6))):
        text = "".join(random.choice(list(GLYPHS), random.integers(1, 3)))
        font = int(random.choice([0, 2, 3, 4, 6, 7])) + (16 if random.random() < 0.3 else 0)
        scale = float(random.uniform(1, 9))
        x, y = int(random.integers(-20, side - 60)), int(random.integers(40, side + 20))
        cv2.putText(canvas, text, (x, y), font, scale, ink, int(random.integers(2, 28)), cv2.LINE_AA)
    if random.random() < 0.5:
        canvas = cv2.GaussianBlur(canvas, (0, 0), float(random.uniform(0.5, 6)))  # type: ignore[assignment]
    return _shrunk(canvas)


def _pixels(random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw pixel art: a few colours in cells of 1, 2 or 4 pixels, mirrored or in patches."""
    cell = int(random.choice([1, 2, 4]))
    side = SIDE // cell
    palette = np.array([_colour(random) for _ in range(int(random.integers(2, 9)))], np.uint8)
    coarse = random.integers(0, len(palette), (max(2, side // int(random.choice([1, 2, 4]))),) * 2).astype(np.uint8)
    index: Any = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_NEAREST)
    lonely = random.random(index.shape) < random.uniform(0, 0.2)
    index[lonely] = random.integers(0, len(palette), int(lonely.sum()))
    if random.random() < 0.5:
        index = np.minimum(index, index[:, ::-1])
    if random.random() < 0.6:
        y, x = np.mgrid[0:side, 0:side] / side - 0.5
        index[np.hypot(x, y) > random.uniform(0.2, 0.5)] = 0
    drawn: NDArray[np.uint8] = palette[index].repeat(cell, axis=0).repeat(cell, axis=1)
    return drawn


def _polygon(centre: tuple[int, int], radius: int, random: np.random.Generator) -> NDArray[np.int32]:
    angles = np.sort(random.uniform(0, 2 * math.pi, int(random.integers(3, 8))))
    reach = radius * random.uniform(0.4, 1, len(angles))
    corners = np.stack([centre[0] + reach * np.cos(angles), centre[1] + reach * np.sin(angles)], axis=1)
    found: NDArray[np.int32] = corners.astype(np.int32)
    return found


def _shrunk(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    small: NDArray[np.uint8] = cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return small


class PatchDiscriminator(nn.Module):
    """Tells real from decoded patches of about 20 pixels, by logits (B, 1, H/8, W/8)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(12, 48, 3, padding=1),
                nn.Conv2d(48, 96, 4, stride=2, padding=1),
                nn.Conv2d(96, 96, 4, stride=2, padding=1),
            ]
        )
        self.head = nn.Conv2d(96, 1, 3, padding=1)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return logits and the features of each layer."""
        x, features = F.pixel_unshuffle(image, 2), []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.head(x), features


def transformed(latents: Tensor, image: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return latents and images, both shrunk, turned or mirrored alike."""
    if random.random() < 0.6:
        latents, image = F.avg_pool2d(latents, 2), F.avg_pool2d(image, 2)
    turns = int(random.integers(4))
    latents, image = latents.rot90(turns, (2, 3)), image.rot90(turns, (2, 3))
    if random.random() < 0.5:
        latents, image = latents.flip(3), image.flip(3)
    return latents, image


class Training:
    """Encoder, decoder and their adversary, with one step of their training; all of it can be kept in one file."""

    def __init__(self, device: str, adversary: float) -> None:
        self.device, self.weight = device, adversary
        self.encoder, self.decoder, self.judge = Encoder(), Decoder(), PatchDiscriminator()
        self.networks = nn.ModuleDict({"encoder": self.encoder, "decoder": self.decoder, "adversary": self.judge})
        self.networks.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        coders = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimizers = {
            "coder": torch.optim.AdamW(coders, lr=PEAK_RATE, betas=(0.9, 0.99)),
            "critic": torch.optim.AdamW(self.judge.parameters(), lr=CRITIC_RATE, betas=(0.5, 0.99)),
        }
        self.step, self.seconds = 0, 0.0

    def learn(self, image: Tensor, random: np.random.Generator, *, adversarial: bool) -> float:
        """Take one step on images (B, 3, H, W) in [-1, 1], and return the loss."""
        with torch.autocast(self.device, torch.bfloat16):
            latents = self.encoder(image)
            noisy = latents + NOISE * torch.randn_like(latents)
            decoded = self.decoder(noisy)
            loss = reconstruction_loss(decoded, image)
            if random.random() < EQUIVARIANCE:
                moved, goal = transformed(noisy, image, random)
                loss = loss + 0.5 * reconstruction_loss(self.decoder(moved), goal)
            if adversarial:
                loss = loss + self.weight * self._adversarial_loss(decoded, image)
        self._move("coder", loss)
        if adversarial:
            with torch.autocast(self.device, torch.bfloat16):
                fake, real = self.judge(decoded.detach())[0], self.judge(image)[0]
                verdict = F.softplus(fake).mean() + F.softplus(-real).mean()
            self._move("critic", verdict)
        return float(loss.detach())

    def polish(self, image: Tensor) -> float:
        """Take one step of the decoder alone, without the adversary, and return the loss."""
        with torch.autocast(self.device, torch.bfloat16):
            with torch.no_grad():
                latents = self.encoder(image)
            decoded = self.decoder(latents + POLISH_NOISE * torch.randn_like(latents))
            loss = reconstruction_loss(decoded, image)
        self._move("coder", loss)
        return float(loss.detach())

    def _adversarial_loss(self, decoded: Tensor, image: Tensor) -> Tensor:
        """Return the non-saturating loss, and the distance of the adversary's features (Larsen et al. 2016)."""
        self.judge.requires_grad_(False)
        logits, features = self.judge(decoded)
        with torch.no_grad():
            wanted = self.judge(image)[1]
        self.judge.requires_grad_(True)
        distances = [F.l1_loss(a, b) for a, b in zip(features, wanted, strict=True)]
        return F.softplus(-logits).mean() + FEATURE_WEIGHT * torch.stack(distances).sum()

    def _move(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizers[name].step()

    def save(self, file: Path) -> None:
        """Write everything to a safetensors file, at once."""
        tensors = {f"network.{name}": value for name, value in self.networks.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            for index, moments in optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{key}": value for key, value in moments.items()}
        tensors["step"], tensors["seconds"] = torch.tensor(self.step), torch.tensor(self.seconds)
        with atomic_write(file) as written:
            written.write(save({name: value.cpu().contiguous() for name, value in tensors.items()}))

    def restore(self, file: Path) -> None:
        """Take up what `save` wrote."""
        tensors = load_file(file)
        self.networks.load_state_dict(_with_prefix(tensors, "network."))
        for name, optimizer in self.optimizers.items():
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in _with_prefix(tensors, f"{name}.").items():
                index, kind = key.split(".")
                moments.setdefault(int(index), {})[kind] = value
            optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
        self.step, self.seconds = int(tensors["step"]), float(tensors["seconds"])


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


@main.command()
@click.argument("pool", type=click.Path(path_type=Path, exists=True))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--steps", default=10_000, show_default=True)
@click.option("--adversary-from", default=0.7, show_default=True, help="Progress at which the adversarial loss begins.")
@click.option("--adversary", default=0.02, show_default=True, help="Weight of the adversarial loss.")
@click.option("--polish", default=2000, show_default=True, help="Further steps of the decoder alone, without it.")
@click.option("--threads", default=1, show_default=True)
@click.option("--device", default="cpu", show_default=True)
def train(
    pool: Path,
    folder: Path,
    steps: int,
    adversary_from: float,
    adversary: float,
    polish: int,
    threads: int,
    device: str,
) -> None:
    """Train on POOL. The checkpoint is kept in FOLDER; the same command goes on from it."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with np.load(pool) as file:
        learned, *held_out = (file[name] for name in ("learned", "photographs", "drawings"))
    folder.mkdir(parents=True, exist_ok=True)
    training = Training(device, adversary)
    if (folder / CHECKPOINT).exists():
        training.restore(folder / CHECKPOINT)
    random = np.random.default_rng(training.step)
    begun, saved = time.perf_counter() - training.seconds, time.perf_counter()

    while training.step < steps + polish:
        polishing, progress = training.step >= steps, training.step / steps
        rate = min(1, training.step / WARM_UP) * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)
        for group in training.optimizers["coder"].param_groups:
            group["lr"] = POLISH_RATE * (steps + polish - training.step) / polish if polishing else PEAK_RATE * rate
        image = _batch(learned, random).to(device)
        if polishing:
            loss = training.polish(image)
        else:
            loss = training.learn(image, random, adversarial=progress >= adversary_from)
        training.step += 1
        training.seconds = time.perf_counter() - begun
        if training.step % REPORT_EVERY == 0 or training.step == steps + polish:
            found = [psnr(training.encoder, training.decoder, images) for images in held_out]
            click.echo(
                f"step {training.step}: {training.seconds:.0f} s, loss {loss:.3f}, "
                f"photographs {found[0]:.2f} dB, drawings {found[1]:.2f} dB"
            )
        if time.perf_counter() - saved > CHECKPOINT_SECONDS or training.step == steps + polish:
            saved = time.perf_counter()
            training.save(folder / CHECKPOINT)


def _batch(images: NDArray[np.uint8], random: np.random.Generator) -> Tensor:
    rows = random.integers(0, len(images), BATCH)
    batch = torch.from_numpy(images[np.sort(rows)]).permute(0, 3, 1, 2).float() / 127.5 - 1
    return batch.flip(3) if random.random() < 0.5 else batch


@torch.no_grad()
def psnr(encoder: nn.Module, decoder: nn.Module, images: NDArray[np.uint8]) -> float:
    """Return the mean peak signal-to-noise ratio of the decoded images, in decibels."""
    found = []
    device = next(encoder.parameters()).device
    for part in np.array_split(images, max(1, len(images) // 100)):
        image = torch.from_numpy(part).permute(0, 3, 1, 2).to(device).float() / 127.5 - 1
        error = (decoder(encoder(image)).clamp(-1, 1) - image).square().mean(dim=(1, 2, 3)) / 4
        found.append(-10 * torch.log10(error.clamp(min=1e-7)))
    return float(torch.cat(found).mean())


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.argument("target", type=click.Path(path_type=Path))
def export(folder: Path, target: Path) -> None:
    """Write encoder and decoder of the run in FOLDER to TARGET, as float16 safetensors."""
    networks = _with_prefix(load_file(folder / CHECKPOINT), "network.")
    kept = {name: value.half().contiguous() for name, value in networks.items() if not name.startswith("adversary")}
    with atomic_write(target) as file:
        file.write(save(kept))


if __name__ == "__main__":
    main()
