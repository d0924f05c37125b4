"""The base class of the estimators that train a generator."""

import numbers
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, validate_data

from ganaug.data.containers import Container, container_of
from ganaug.data.containers.rows import as_rows, table_container
from ganaug.data.labels import Label, plain_label, python_value
from ganaug.data.modalities import SPACES
from ganaug.families import MODELS
from ganaug.files import StrPath
from ganaug.integrations.progress import Forgiving, progress
from ganaug.integrations.sklearn.checks import check_callbacks, check_frame, check_kinds
from ganaug.integrations.sklearn.target import Target
from ganaug.integrations.strategy import STRATEGIES, added_rows


class LabelledInput(NamedTuple):
    """A user's `X` and `y`: as they came, and as validated `rows` and `target`."""

    X: Any
    rows: Any
    container: Container
    target: Target


class BaseGAN(BaseEstimator):  # type: ignore[misc]
    """The common part of `GANAugmenter` and `GANSampler`: parameters, validation, training and sampling."""

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "model": [StrOptions(set(MODELS))],
        "space": [StrOptions(set(SPACES))],
        "sampling_strategy": [
            Interval(numbers.Real, 0, 1, closed="right"),
            StrOptions(set(STRATEGIES)),
            Mapping,
            callable,
            "array-like",
        ],
        "categorical_features": [StrOptions({"auto"}), "array-like"],
        "rules": [StrOptions({"auto"}), "array-like", None],
        "image_shape": ["array-like", None],
        "signal": ["boolean"],
        "augment": [callable, None],
        "techniques": [Mapping, None],
        "time_budget": [Interval(numbers.Real, 0, None, closed="neither"), None],
        "max_steps": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "device": [str],
        "callbacks": [list, tuple],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(  # noqa: PLR0913 - all have names
        self,
        *,
        model: str = "gan",
        space: str = "auto",
        sampling_strategy: Any = "auto",
        categorical_features: Any = "auto",
        rules: Any = "auto",
        image_shape: tuple[int, ...] | None = None,
        signal: bool = False,
        augment: Any = None,
        techniques: Mapping[str, Any] | None = None,
        time_budget: float | None = None,
        max_steps: int | None = None,
        device: str = "auto",
        callbacks: Sequence[Callable[[Any], Any]] = (),
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.space = space
        self.sampling_strategy = sampling_strategy
        self.categorical_features = categorical_features
        self.rules = rules
        self.image_shape = image_shape
        self.signal = signal
        self.augment = augment
        self.techniques = techniques
        self.time_budget = time_budget
        self.max_steps = max_steps
        self.device = device
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Train the generator.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features), or images, signals, clips
            The rows; missing values are allowed, and are learned. A DataFrame is one of pandas, polars, or another
            library that narwhals knows, or a Table of pyarrow. Arrays of shape (n_samples, height, width) or
            (n_samples, height, width, channels) are images, and arrays of shape (n_samples, frames, height, width,
            channels) are clips. With ``signal=True``, arrays of shape (n_samples, length)
            or (n_samples, length, channels) are signals.
        y : array-like of shape (n_samples,)
            The label of each row: text, whole numbers, or true and false, of two classes at least.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter is not valid, or no generator can be trained on the data.
        """
        self._fit(X, y)
        return self

    def sample(self, n: int | Mapping[Any, int]) -> tuple[Any, NDArray[Any]]:
        """Draw synthetic rows, images, signals or clips.

        Parameters
        ----------
        n : int or mapping
            The number of rows, which is divided among the classes as evenly as possible; or the number for each class,
            as ``{label: number}``.

        Returns
        -------
        X : the same container as in `fit`
            The synthetic rows, images, signals or clips.
        y : ndarray of shape (n,)
            Their labels.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        DataError
            If a label is unknown, or a number is not a whole number, 0 or more.

        Notes
        -----
        If `random_state` is an integer, every call with the same `n` returns the same rows.
        """
        check_is_fitted(self)
        fixed = isinstance(self.random_state, numbers.Integral)
        samples, labels = self._draw(n, self._seed if fixed else new_random(self.random_state).randint(2**31))
        return self._container.wrap(samples), labels

    def save(self, path: StrPath) -> None:
        """Write the generator to an ONNX file, which `ganaug.Generator.load` reads.

        Parameters
        ----------
        path : str or path-like
            The file. An existing file is replaced.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
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

    def _fit(self, X: Any, y: Any) -> LabelledInput:
        self._validate_params()
        check_callbacks(self.callbacks)
        data = self._check(X, y, reset=True)
        self._train(data)
        return data

    def _check(self, X: Any, y: Any, *, reset: bool) -> LabelledInput:
        """Validate rows and labels; `reset` says that the estimator is to be fitted to them."""
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        rows = self._check_rows(X, reset=reset)
        target = Target(y)
        check_consistent_length(rows, target.values)
        container = container_of(X, rows, self.image_shape, None if reset else self._container, signal=self.signal)
        if not reset:
            check_kinds(container.kinds(rows), self._kinds)
        return LabelledInput(X, rows, container, target)

    def _check_rows(self, X: Any, *, reset: bool) -> Any:
        """Return `X` as an array, sparse matrix or DataFrame that scikit-learn accepts; missing values are allowed."""
        rows = as_rows(X)
        if getattr(rows, "ndim", 2) > 2:
            rows = check_array(rows, allow_nd=True, input_name="X", estimator=self)
            validate_data(self, rows.reshape(len(rows), -1), skip_check_array=True, reset=reset)
        elif isinstance(rows, pd.DataFrame):
            named = rows.to_numpy() if isinstance(X, list | tuple) else rows
            validate_data(self, named, skip_check_array=True, reset=reset)
            check_frame(rows)
        else:
            settings = {"accept_sparse": True, "dtype": None, "ensure_all_finite": "allow-nan"}
            rows = validate_data(self, rows, reset=reset, **settings)
            if rows.dtype == object:
                check_frame(table_container(rows, rows).unwrap(rows))
        return rows

    def _train(self, data: LabelledInput) -> None:
        from ganaug.evaluation import dose  # imports torch, which this module does not need

        classes, codes = np.unique(data.target.values, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"The target 'y' needs to have more than 1 class. Got {len(classes)} class instead")
        seed, sampling_seed = new_random(self.random_state).randint(2**31, size=2).tolist()
        container = data.container
        names = [container.class_name(_name_of(label)) for label in classes]
        with progress(quiet=not self.verbose, unit="values" if self.signal else "px") as show:
            generator = dose.fit(
                container.dataset(data.rows, codes, names, self.categorical_features, self.rules),
                model=self.model,
                space=self.space,
                augment=self.augment,
                techniques=self.techniques,
                time_budget=self.time_budget,
                max_steps=self.max_steps,
                device=self.device,
                callbacks=(show, *self.callbacks),
                random_state=seed,
            )
        summary = generator.metadata["training"]
        self.classes_, self.generator_ = classes, generator
        self.history_ = pd.DataFrame(summary.get("history") or summary.get("stages") or [])
        self._container, self._kinds = container, container.kinds(data.rows)
        self._code_of = {name: code for code, name in enumerate(names)}
        self._seed = sampling_seed
        if self.verbose:
            line = f"[{type(self).__name__}] {summary.get('steps')} steps in {summary.get('seconds')} seconds"
            print(line, file=Forgiving(sys.stdout))

    def _balance(self, data: LabelledInput) -> tuple[Any, Any]:
        """Return the rows and labels, followed by the synthetic ones that `sampling_strategy` asks for."""
        unseen = sorted(set(data.target.values.tolist()) - set(self.classes_.tolist()), key=str)
        if unseen:
            raise ValueError(f"y contains previously unseen labels: {unseen}")
        self.sampling_strategy_ = added_rows(self.sampling_strategy, data.target.values)
        wanted = {label: count for label, count in self.sampling_strategy_.items() if count}
        self.is_synthetic_ = np.repeat([False, True], [len(data.target.values), sum(wanted.values())])
        container = data.container
        if not wanted:
            return container.copied(data.X), data.target.extend(data.target.values[:0])
        samples, labels = self._draw(wanted, self._seed)
        # A container with the dtypes that were learned keeps them; other dtypes may be too narrow for the samples.
        if container != self._container:
            container = container.promoted(data.rows, samples)
        return container.append(data.X, container.wrap(samples)), data.target.extend(labels)

    def _draw(self, n: int | Mapping[Any, int], seed: int) -> tuple[Any, NDArray[Any]]:
        """Draw samples, and their labels in the dtype of `classes_`."""
        if isinstance(n, Mapping):
            n = {self._container.class_name(_name_of(label)): count for label, count in n.items()}
        samples, labels = self.generator_.sample(n, seed=seed, screened=True)
        codes = np.array([self._code_of[label] for label in labels.tolist()], dtype=np.int64)
        return samples, self.classes_[codes]


def new_random(random_state: Any) -> np.random.RandomState:
    """Return the source of random numbers that `random_state` stands for; None leaves NumPy's global state alone."""
    if isinstance(random_state, np.random.RandomState):
        return random_state
    return np.random.RandomState(random_state)


def _name_of(label: Any) -> Label:
    """Return a label as a model file holds it; dates become text."""
    value = python_value(label)
    return plain_label(value) if isinstance(value, str | int | float) else str(value)
