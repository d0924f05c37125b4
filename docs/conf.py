"""Settings of the documentation. Nothing is downloaded: neither here nor by the pages that it makes."""

import inspect
import os
import re
import sys
import textwrap
import warnings
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import ganaug  # noqa: E402
from ganaug.errors import GanaugWarning  # noqa: E402

project = "ganaug"
author = "The ganaug developers"
copyright = author  # noqa: A001
version = release = ganaug.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "gallery/*.ipynb"]
templates_path = ["_templates"]
default_role = "code"  # `X` in a docstring is a name, not an emphasis
nitpicky = True

# Markdown
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = [
    "config.cache",  # the settings of sphinx-gallery hold a function, which cannot be kept from build to build
]

# Docstrings
autosummary_generate = True
autodoc_typehints = "none"  # the types stand in the docstrings
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

# Gallery. Examples that need downloads or more packages than the others are shown, but not run.
SMALL = "GANAUG_SMALL" in os.environ
NOT_RUN = ("fashion", "albumentations", "sample_with", *(() if find_spec("rdkit") else ("molecule",)))


class ByUse:
    """Order the examples by name, those that are run first."""

    def __init__(self, src_dir):
        pass

    def __call__(self, name):  # noqa: D102
        return name.startswith(NOT_RUN), name


sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": rf"/(?!{'|'.join(NOT_RUN)})\w+\.py$",
    "within_subsection_order": ByUse,
    "default_thumb_file": str(HERE / "images" / "not-run.png"),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}
plot_gallery = str("GANAUG_NO_GALLERY" not in os.environ)  # whether examples are run
# Trainings of a few steps warn about what they cannot learn. At full scale a reader should see the warning.
if SMALL:
    warnings.filterwarnings("ignore", category=GanaugWarning)
warnings.formatwarning = lambda message, kind, *_, **__: textwrap.fill(f"{kind.__name__}: {message}", 88) + "\n"
warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")

# Pages
html_theme = "pydata_sphinx_theme"
html_title = "ganaug"
html_static_path = ["_static"]
html_css_files = ["ganaug.css"]
html_domain_indices = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "header_links_before_dropdown": 4,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": [], "getting-started": [], "how-it-works": [], "changelog": []}


def _is_foreign(app, what, name, obj, skip, options):  # noqa: ARG001
    """Leave out members that a class inherits from another library, such as those of scikit-learn's base classes."""
    target = obj.fget if isinstance(obj, property) else obj
    module = getattr(inspect.unwrap(target) if callable(target) else target, "__module__", None)
    return True if module and not module.startswith("ganaug") else skip


def _escape_fitted_names(app, what, name, obj, options, lines):  # noqa: ARG001
    """Escape the shape (n_features_in_,): reStructuredText takes a name with a trailing underscore for a link."""
    lines[:] = [re.sub(r"\((\w+)_,\)", r"(\1\\_,)", line) for line in lines]


def setup(app):
    """Register what conf.py adds to Sphinx."""
    app.connect("autodoc-skip-member", _is_foreign)
    app.connect("autodoc-process-docstring", _escape_fitted_names, priority=400)  # before numpydoc reads them
