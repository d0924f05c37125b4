"""Charts drawn by matplotlib as SVG for the page: without inline styles, with unique ids, with colours by role.

The content security policy of the page forbids ``style`` attributes, and the colours follow the light or dark scheme of
the reader. Styles therefore become presentation attributes, and each colour of `ROLES` a class of the style sheet.
"""

import io
import re
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

ROLES = {
    "ink": "#010203",
    "muted": "#040506",
    "rule": "#070809",
    "real": "#0a0b0c",
    "synthetic": "#0d0e0f",
    "accent": "#101112",
}
"""By role, the colour to draw with. It only marks the role: the style sheet replaces it."""

_SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the font of the page
    "svg.hashsalt": "ganaug",  # the same chart gives the same ids
    "text.parse_math": False,  # a class may be called $x_1$
    "text.usetex": False,
    "axes.unicode_minus": True,
    "axes.edgecolor": ROLES["rule"],
    "axes.labelcolor": ROLES["muted"],
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.limits": (-4, 5),
    "axes.formatter.useoffset": False,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the layout is the same on every machine
    "font.size": 11,
    "text.color": ROLES["ink"],
    "xtick.color": ROLES["rule"],
    "ytick.color": ROLES["rule"],
    "xtick.labelcolor": ROLES["muted"],
    "ytick.labelcolor": ROLES["muted"],
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "patch.linewidth": 0.0,
    "path.simplify": True,
}
_ROLE_OF = {colour: role for role, colour in ROLES.items()}
_REFERENCE = re.compile(r"url\(#([^)]*)\)")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_KEPT = {
    "clip-path", "cx", "cy", "d", "fill-opacity", "height", "opacity", "r", "stroke-dasharray", "stroke-linecap",
    "stroke-linejoin", "stroke-opacity", "stroke-width", "text-anchor", "transform", "width", "x", "y",
}  # fmt: skip


def draw(name: str, title: str, size: tuple[float, float], paint: Callable[..., None]) -> Markup:
    """Return what ``paint(figure)`` draws as an inline SVG element, safe on a page whatever text was drawn.

    `name`, of letters and digits, is the prefix of all ids and unique on the page. Screen readers read the `title`.
    Unit of the size, width and height: CSS pixels; the page scales it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # A figure without pyplot leaves the figures, the backend and the settings of the caller unchanged.
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        warnings.filterwarnings("ignore", message="Glyph")  # the browser has a font for it
        figure = Figure(figsize=(size[0] / 72, size[1] / 72))
        FigureCanvasSVG(figure)
        paint(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _tidy(buffer.getvalue(), name, title)


def _tidy(drawn: bytes, name: str, title: str) -> Markup:
    tree = ElementTree.fromstring(drawn)  # noqa: S314  matplotlib wrote it, just now
    used = set(_REFERENCE.findall(drawn.decode())) | {
        value[1:] for node in tree.iter() for key, value in node.attrib.items() if key.endswith("href")
    }
    viewed = tree.attrib["viewBox"]
    for node in tree.iter():
        node.tag = node.tag.rpartition("}")[2]
        node.attrib = _attributes(node, name, used)
        node.tail = None
        if node.tag != "text":
            node.text = None
    for parent in list(tree.iter()):
        for child in [child for child in parent if _is_idle(child)]:
            parent.remove(child)
    tree.attrib = {"viewBox": viewed, "class": "chart", "role": "img", "aria-label": title}
    return Markup(ElementTree.tostring(tree, encoding="unicode"))  # noqa: S704  the serialiser has escaped all text


def _attributes(node: ElementTree.Element, name: str, used: set[str]) -> dict[str, str]:
    """Return the attributes of a node that are kept, with those from its style."""
    style = dict(part.split(": ", 1) for part in node.attrib.get("style", "").split("; ") if ": " in part)
    given = {key: value for key, value in (node.attrib | style).items() if key in _KEPT}
    kept = {key: _NUMBER.sub(lambda match: f"{float(match[0]):.1f}", value) for key, value in given.items()}
    if "clip-path" in kept:
        kept["clip-path"] = _REFERENCE.sub(rf"url(#{name}-\1)", kept["clip-path"])
    if node.attrib.get("id") in used:
        kept["id"] = f"{name}-{node.attrib['id']}"
    for key, value in node.attrib.items():
        if key.endswith("href"):
            kept["href"] = f"#{name}-{value[1:]}"
    classes = [f"{part}-{_ROLE_OF[style[part]]}" for part in ("fill", "stroke") if style.get(part) in _ROLE_OF]
    kept |= {part: "none" for part in ("fill", "stroke") if style.get(part) == "none"}
    if node.tag == "text":
        kept["font-size"] = style["font-size"].removesuffix("px")
        kept.pop("transform", None) if "rotate(-0 " in kept.get("transform", "") else None
    return kept | ({"class": " ".join(classes)} if classes else {})


def _is_idle(node: ElementTree.Element) -> bool:
    """Tell whether a node is metadata, a style, or an invisible shape such as a transparent background."""
    shapeless = node.tag == "path" and node.attrib.get("fill") == "none" and not node.attrib.get("class")
    return node.tag in ("metadata", "style") or shapeless
