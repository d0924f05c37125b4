"""`GANSampler`: the estimator for imbalanced-learn's Pipeline."""

from typing import Any

from imblearn.over_sampling.base import BaseOverSampler

from ganaug.integrations.sklearn.base import BaseGAN, LabelledInput
from ganaug.integrations.strategy import added_rows


class GANSampler(BaseGAN, BaseOverSampler):  # type: ignore[misc]
    """Train a generator, and add synthetic rows to the small classes: an over-sampler for imbalanced-learn.

    Parameters and attributes are those of `GANAugmenter`. With the same `random_state`, both give the same rows.

    Parameters
    ----------
    model, space, sampling_strategy, categorical_features, rules, image_shape, signal, augment
        See `GANAugmenter`.
    time_budget, max_steps, device, callbacks, random_state, verbose
        See `GANAugmenter`.

    Attributes
    ----------
    sampling_strategy_ : dict
        From label to the number of rows that `fit_resample` adds.
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

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Train the generator, and add synthetic rows as `sampling_strategy` says.

        Parameters
        ----------
        X, y
            Rows, images, signals or clips and their labels, as `GANAugmenter.fit` takes them.

        Returns
        -------
        X, y
            The real rows and labels, unchanged, followed by the synthetic ones in the order of their classes. The
            containers and dtypes are those of the arguments; a DataFrame has a fresh index, as in imbalanced-learn.

        Raises
        ------
        ValueError
            If a parameter is not valid, or no generator can be trained on the data.
        """
        return self._fit_resample(X, y)

    def _fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        return self._balance(self._fit(X, y))

    def _train(self, data: LabelledInput) -> None:
        # Checked before the training, so that a wrong strategy costs no time.
        self.sampling_strategy_ = added_rows(self.sampling_strategy, data.target.values)
        super()._train(data)
