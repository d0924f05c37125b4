"""`GANSampler`: the face for imbalanced-learn's Pipeline."""

from typing import Any, Self

from imblearn.over_sampling.base import BaseOverSampler

from ganaug.integrations.sklearn.base import BaseGAN
from ganaug.integrations.strategy import added_rows

__all__ = ["GANSampler"]


class GANSampler(BaseGAN, BaseOverSampler):  # type: ignore[misc]
    """An over-sampler of imbalanced-learn that fills small classes up with synthetic rows.

    It takes the parameters of `GANAugmenter`, has its attributes, and gives the same rows for the same `random_state`.

    Parameters
    ----------
    model, sampling_strategy, categorical_features, image_shape, augment
        See `GANAugmenter`.
    time_budget, max_steps, device, random_state, verbose
        See `GANAugmenter`.

    Attributes
    ----------
    sampling_strategy_ : dict
        How many rows each class gains.
    generator_, history_, classes_, n_features_in_, feature_names_in_, is_synthetic_
        See `GANAugmenter`.

    Examples
    --------
    >>> from collections import Counter
    >>> from sklearn.datasets import make_classification
    >>> from ganaug.integrations.sklearn import GANSampler
    >>> X, y = make_classification(n_samples=60, weights=[0.8], random_state=0)
    >>> X_balanced, y_balanced = GANSampler(max_steps=2, random_state=0).fit_resample(X, y)
    >>> len(set(Counter(y_balanced.tolist()).values()))
    1
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train the generator; `fit_resample` does so too.

        Parameters
        ----------
        X, y
            Rows, or images, and their labels, as `GANAugmenter.fit` takes them.

        Returns
        -------
        self
        """
        self._fit(X, y)
        return self

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Train the generator, and fill the classes up as `sampling_strategy` says.

        Parameters
        ----------
        X, y
            Rows, or images, and their labels, as `GANAugmenter.fit` takes them.

        Returns
        -------
        X, y
            In the containers and dtypes that they came in, but a DataFrame with a fresh index, as imbalanced-learn
            does; the originals first and unchanged, then the synthetic rows in the order of their classes.
        """
        return self._fit_resample(X, y)

    def _fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        return self._balance(self._fit(X, y))

    def _fit(self, X: Any, y: Any) -> Any:
        self._validate_params()
        data = self._check(X, y, reset=True)
        # Before the training, which would be wasted on a strategy that does not suit the labels.
        self.sampling_strategy_ = added_rows(self.sampling_strategy, data.target.values)
        self._train(data)
        return data
