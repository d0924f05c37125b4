"""What the estimators that train a generator share: parameters, validation, training and drawing."""

import numbers
from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, validate_data

from ganaug.data.containers.images import ImageForm, image_form
from ganaug.data.containers.rows import Form, as_rows, check_frame, form_of, kinds_of, positions_of
from ganaug.errors import DataError
from ganaug.files import StrPath
from ganaug.integrations.sklearn.target import Target, plain_label
from ganaug.integrations.strategy import added_rows
from ganaug.runtime.generator import Generator

__all__ = ["BaseGAN", "Labelled", "new_random"]

_STRATEGIES = {"auto", "minority", "not minority", "not majority", "all"}


class Labelled(NamedTuple):
    """Validated rows and labels, and what they were."""

    X: Any
    rows: Any
    form: Form
    target: Target


class BaseGAN(BaseEstimator):  # type: ignore[misc]
    """The part of `GANAugmenter` and `GANSampler` that is the same."""

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "model": [StrOptions({"gan"})],
        "sampling_strategy": [
            Interval(numbers.Real, 0, 1, closed="right"),
            StrOptions(_STRATEGIES),
            Mapping,
            callable,
            "array-like",
        ],
        "categorical_features": [StrOptions({"auto"}), "array-like"],
        "image_shape": ["array-like", None],
        "augment": [callable, None],
        "time_budget": [Interval(numbers.Real, 0, None, closed="neither"), None],
        "max_steps": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        model: str = "gan",
        sampling_strategy: Any = "auto",
        categorical_features: Any = "auto",
        image_shape: tuple[int, ...] | None = None,
        augment: Any = None,
        time_budget: float | None = None,
        max_steps: int | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.sampling_strategy = sampling_strategy
        self.categorical_features = categorical_features
        self.image_shape = image_shape
        self.augment = augment
        self.time_budget = time_budget
        self.max_steps = max_steps
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Train the generator.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features), or images
            The rows. Missing values are learned. Arrays of shape (n, height, width) or (n, height, width, channels)
            are images.
        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data or a parameter is not usable.
        """
        self._validate_params()
        self._train(self._check(X, y, reset=True))
        return self

    def sample(self, n: int | Mapping[Any, int]) -> tuple[Any, NDArray[Any]]:
        """Draw synthetic rows.

        Parameters
        ----------
        n : int or mapping
            How many in all, the classes taking turns; or how many of each class, as ``{label: count}``.

        Returns
        -------
        X : container of what `fit` was given
            The rows.
        y : ndarray of shape (n,)
            Their labels.

        Raises
        ------
        NotFittedError
            If there is no generator yet.
        DataError
            If a label is unknown or a count is not a whole number, 0 or more.

        Notes
        -----
        With an integer `random_state` every call gives the same rows, otherwise each gives others.
        """
        check_is_fitted(self)
        fixed = isinstance(self.random_state, numbers.Integral)
        samples, labels = self._draw(n, self._seed if fixed else new_random(self.random_state).randint(2**31))
        return self._form.decode(samples), labels

    def save(self, path: StrPath) -> None:
        """Write the generator's ONNX file, which `ganaug.Generator.load` reads.

        Parameters
        ----------
        path : str or path-like
            Where to; an existing file is replaced.
        """
        check_is_fitted(self)
        self.generator_.save(path)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = True
        return tags

    def _check(self, X: Any, y: Any, *, reset: bool) -> Labelled:
        """Validate rows and labels, and find out what they are; `reset` for those to fit to."""
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        rows = self._check_rows(X, reset=reset)
        target = Target(y)
        check_consistent_length(rows, target.values)
        pictures = getattr(rows, "ndim", 2) > 2
        flat = not pictures and self.image_shape is None
        if not reset and flat == isinstance(self._form, ImageForm):
            fitted, found = ("images", "a table") if flat else ("a table", "images")
            raise DataError(
                f"X must be what {type(self).__name__} was fitted to, {fitted}, but is {found}: reshape it."
            )
        if flat:
            return Labelled(X, rows, form_of(X, rows), target)
        images = image_form(X, rows, self.image_shape, None if pictures else form_of(X, rows))
        return Labelled(X, rows, images if reset else images.on_scale_of(self._form), target)

    def _check_rows(self, X: Any, *, reset: bool) -> Any:
        """Return an array, sparse matrix or frame of what scikit-learn would accept too, missing values included."""
        rows = as_rows(X)
        if getattr(rows, "ndim", 2) > 2:
            rows = check_array(rows, allow_nd=True, input_name="X", estimator=self)
            self._check_image_size(rows, reset)
        elif isinstance(rows, pd.DataFrame):
            named = X if isinstance(X, pd.DataFrame) else rows.to_numpy()
            validate_data(self, named, skip_check_array=True, reset=reset)
            check_frame(rows)
        else:
            settings = {"accept_sparse": True, "dtype": None, "ensure_all_finite": "allow-nan"}
            rows = validate_data(self, rows, reset=reset, **settings)
        return rows

    def _check_image_size(self, images: NDArray[Any], reset: bool) -> None:
        size = prod(images.shape[1:])
        if reset:
            self.__dict__.pop("feature_names_in_", None)
            self.n_features_in_ = size
        elif size != self.n_features_in_:
            name, expected = type(self).__name__, self.n_features_in_
            raise ValueError(f"X has {size} features, but {name} is expecting {expected} features as input.")

    def _train(self, data: Labelled) -> None:
        classes, codes = np.unique(data.target.values, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"The target 'y' needs to have more than 1 class. Got {len(classes)} class instead")
        seed, sampling_seed = new_random(self.random_state).randint(2**31, size=2).tolist()
        settings = {
            "model": self.model,
            "time_budget": self.time_budget,
            "max_steps": self.max_steps,
            "device": self.device,
            "random_state": seed,
        }
        names = [plain_label(label) for label in classes]
        if isinstance(data.form, ImageForm):
            if not isinstance(self.categorical_features, str):
                raise DataError("categorical_features must be 'auto' for images: they have no columns")
            texts = [str(name) for name in names]
            generator = _fit_images(data, texts, codes, settings | {"augment": self.augment})
            self._code_of: dict[Any, int] = {text: code for code, text in enumerate(texts)}
        else:
            if self.augment is not None:
                raise DataError("augment must be None for a table: it is a pipeline for images")
            generator = self._fit_table(data, np.array(names)[codes], settings)
            self._code_of = {name: code for code, name in enumerate(names)}
        self.classes_, self.generator_, self.history_ = classes, generator, _history(generator)
        self._form, self._seed = data.form, sampling_seed
        if self.verbose:
            training = generator.metadata["training"]
            print(f"[{type(self).__name__}] {training.get('steps')} steps in {training.get('seconds')} seconds")

    def _fit_table(self, data: Labelled, labels: NDArray[Any], settings: dict[str, Any]) -> Generator:
        from ganaug.training import fit_table  # torch is not needed to import this module

        frame = data.form.encode(data.rows)
        self._kinds = kinds_of(frame)
        features = self.categorical_features
        if not isinstance(features, str):
            own = data.X.columns if isinstance(data.X, pd.DataFrame) else frame.columns
            features = [frame.columns[position] for position in positions_of(features, own)]
        return fit_table(frame, labels, categorical_features=features, **settings)

    def _balance(self, data: Labelled) -> tuple[Any, Any]:
        """Return the rows and labels, followed by the synthetic ones that `sampling_strategy` asks for."""
        unseen = sorted(set(data.target.values.tolist()) - set(self.classes_.tolist()), key=str)
        if unseen:
            raise ValueError(f"y contains previously unseen labels: {unseen}")
        self.sampling_strategy_ = added_rows(self.sampling_strategy, data.target.values)
        wanted = {label: count for label, count in self.sampling_strategy_.items() if count}
        self.is_synthetic_ = np.repeat([False, True], [len(data.target.values), sum(wanted.values())])
        if not wanted:
            return _copied(data), data.target.extend(data.target.values[:0])
        samples, labels = self._draw(wanted, self._seed)
        # Rows of the very types that were learned from keep them; others may be too narrow for what was learned.
        form = data.form if data.form == self._form else data.form.widened(data.rows, samples)
        return form.stack(data.X, form.decode(samples)), data.target.extend(labels)

    def _draw(self, n: int | Mapping[Any, int], seed: int) -> tuple[Any, NDArray[Any]]:
        """Draw samples, and labels of the dtype of `classes_`."""
        if isinstance(n, Mapping):
            texts = isinstance(self._form, ImageForm)
            plain = {label: plain_label(label) for label in n}
            n = {str(plain[label]) if texts else plain[label]: count for label, count in n.items()}
        samples, labels = self.generator_.sample(n, seed=seed, screened=True)
        codes = np.array([self._code_of[label] for label in labels.tolist()], dtype=np.int64)
        return samples, self.classes_[codes]


def new_random(random_state: Any) -> np.random.RandomState:
    """Return the source of random numbers that `random_state` stands for; None leaves NumPy's global one alone."""
    if isinstance(random_state, np.random.RandomState):
        return random_state
    return np.random.RandomState(random_state)


def _fit_images(data: Labelled, classes: list[str], codes: NDArray[Any], settings: dict[str, Any]) -> Generator:
    from ganaug.data.images.dataset import from_arrays
    from ganaug.training import fit_images

    return fit_images(from_arrays(data.form.encode(data.rows), codes, classes), **settings)


def _history(generator: Generator) -> pd.DataFrame:
    training = generator.metadata["training"]
    return pd.DataFrame(training.get("history") or training.get("stages") or [])


def _copied(data: Labelled) -> Any:
    if isinstance(data.X, list | tuple):
        return list(data.X)
    return data.X.reset_index(drop=True) if isinstance(data.X, pd.DataFrame) else data.rows.copy()
