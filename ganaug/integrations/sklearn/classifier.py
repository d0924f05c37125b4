"""`AugmentedClassifier`: augmentation inside `fit`, for scikit-learn's Pipeline, only where it helps."""

import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils import _safe_indexing, column_or_1d, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted, validate_data

from ganaug.data.containers.frames import is_foreign
from ganaug.errors import DataError
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.selection import arms_for, rows_for, select_arm
from ganaug.evaluation.trials.training_rows import LabelledRows
from ganaug.evaluation.trials.weights import class_weight_settings, fit_weighted, resampled_weights, weight_argument
from ganaug.evaluation.verdict import decision_table
from ganaug.integrations.sklearn.base import new_random
from ganaug.integrations.sklearn.checks import check_not_empty
from ganaug.integrations.sklearn.prior import PriorCorrected, class_shares, has
from ganaug.integrations.sklearn.sampler import GANSampler
from ganaug.integrations.sklearn.target import Target
from ganaug.integrations.strategy import added_rows


class _Rows(NamedTuple):
    X: Any
    y: NDArray[Any]
    weights: NDArray[Any] | None


def _inner(classifier: Any) -> Any:
    return getattr(classifier, "_model", classifier.estimator)


class AugmentedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that is trained on synthetic rows as well, which exist only while it is fitted.

    Nothing leaks within cross-validation, grid search and scikit-learn's Pipeline, and imbalanced-learn's Pipeline is
    not needed.

    Parameters
    ----------
    estimator : classifier
        The classifier, or a Pipeline that ends in one.
    sampler : over-sampler of imbalanced-learn, default=None
        None stands for ``GANSampler()``. The parameters of a given sampler can also be set in a grid search, as
        ``sampler__...``.
    policy : {"auto", "always"}, default="auto"
        "auto" compares these arms by cross-validation inside the training rows: nothing, class weights, random
        oversampling, SMOTE or SMOTENC (which accept neither missing values nor dates), and the GAN, which fills a
        quarter, a half or the whole of the gap between the classes. It does nothing unless an arm is better by more
        than the noise: `ganaug.evaluation.verdict.decision_table` has the rule. The worse half of
        the arms is dropped after four of the ten splits, and again after six. So the comparison takes four to ten short
        trainings of a generator. "always" uses the sampler as it is.
    scoring : str, callable or None, default="balanced_accuracy"
        The score by which "auto" compares; None stands for the score of the estimator.
    synthetic_weight : float, default=1.0
        The weight of a synthetic row, as a multiple of the mean weight of its class.
    correct_prior : bool, default=False
        Whether to map probabilities from the class shares after resampling back to those of the training rows (Saerens
        et al.). `predict` still decides by the uncorrected probabilities.
    random_state : int, RandomState or None, default=None
        Seeds the splits, and every part of `estimator` and `sampler` that has no seed of its own.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    sampler_ : over-sampler or None
        The fitted sampler, if it was used.
    decision_ : DataFrame
        The comparison: columns `candidate`, `score`, `difference` (to nothing, over the splits on which the candidate
        was tried), `standard_error`, `needed` (the difference that a candidate must exceed), `splits`, `chosen` and
        `note`.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if all of them are text.

    Notes
    -----
    With metadata routing enabled, ``set_fit_request(sample_weight=True)`` asks for weights. They are used in training,
    but not in the scores that "auto" compares.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ganaug.integrations.sklearn import AugmentedClassifier, GANSampler
    >>> X, y = make_classification(n_samples=80, weights=[0.8], random_state=0)
    >>> sampler = GANSampler(max_steps=2, random_state=0)
    >>> model = AugmentedClassifier(LogisticRegression(), sampler, policy="always").fit(X, y)
    >>> model.predict(X).shape, int(model.sampler_.is_synthetic_.sum()) > 30
    ((80,), True)
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "estimator": [HasMethods(["fit", "predict"])],
        "sampler": [HasMethods(["fit_resample"]), None],
        "policy": [StrOptions({"auto", "always"})],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "synthetic_weight": [Interval(numbers.Real, 0, None, closed="left")],
        "correct_prior": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        sampler: Any = None,
        *,
        policy: str = "auto",
        scoring: Any = "balanced_accuracy",
        synthetic_weight: float = 1.0,
        correct_prior: bool = False,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.sampler = sampler
        self.policy = policy
        self.scoring = scoring
        self.synthetic_weight = synthetic_weight
        self.correct_prior = correct_prior
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose an arm, treat the rows as it says, and fit the classifier.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            The training rows. The estimator is given rows in the same container.
        y : array-like of shape (n_samples,)
            Their labels.
        sample_weight : array-like of shape (n_samples,), optional
            Their weights.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data or a parameter is not usable.
        """
        self._validate_params()
        _check_classifier(self.estimator)
        self.__dict__.pop("_model", None)
        rows = self._check(X, y, sample_weight)
        random = new_random(self.random_state)
        estimator, sampler = (
            _seeded(part, random) for part in (self.estimator, GANSampler() if self.sampler is None else self.sampler)
        )
        if rows.weights is not None or self.synthetic_weight != 1:
            weight_argument(estimator)  # raises before anything is trained

        arm, gaps = self._decide(estimator, sampler, rows, random)
        treated = rows_for(rows.X, rows.y, gaps, sampler, random.randint(2**31)).treated(arm)
        self._model = self._fit_model(clone(estimator), arm, treated, rows)
        self.estimator_ = self._model.estimator if isinstance(self._model, PriorCorrected) else self._model
        self.sampler_ = sampler if arm.kind in ("gan", "sampler") else None
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X: Any) -> Any:
        """Return the label of each row, shape (n_samples,)."""
        return self._checked(X).predict(X)

    @available_if(has("predict_proba", _inner))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, shape (n_samples, n_classes), if the estimator has `predict_proba`."""
        return self._checked(X).predict_proba(X)

    @available_if(has("predict_log_proba", _inner))  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of each probability in `predict_proba`, if the estimator has `predict_log_proba`."""
        return self._checked(X).predict_log_proba(X)

    @available_if(has("decision_function", _inner))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:
        """Return the decision function of the estimator, shape (n_samples,) or (n_samples, n_classes), if it has one.

        `correct_prior` does not change it.
        """
        return self._checked(X).decision_function(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        parts = [get_tags(self.estimator)]
        parts += [get_tags(self.sampler)] if self.sampler is not None else []
        tags.input_tags.sparse = all(part.input_tags.sparse for part in parts)
        tags.input_tags.allow_nan = all(part.input_tags.allow_nan for part in parts)
        if parts[0].classifier_tags is not None:
            tags.classifier_tags = parts[0].classifier_tags
            tags.classifier_tags.multi_label = False
        return tags

    def _check(self, X: Any, y: Any, sample_weight: Any) -> _Rows:
        X = _indexable(X)
        check_not_empty(X.shape if hasattr(X, "shape") else (len(X),))
        validate_data(self, X, y, skip_check_array=True)  # refuses None for y
        column = np.asarray(y) if getattr(y, "ndim", 1) == 2 else None
        values = Target(y, one_hot=False).values
        labels = column_or_1d(values if column is None else column, warn=True)
        check_consistent_length(X, labels)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        if len(np.unique(labels)) < 2:
            raise ValueError("The target 'y' needs to have more than 1 class. Got 1 class instead")
        return _Rows(X, labels, weights)

    def _decide(
        self, estimator: Any, sampler: Any, rows: _Rows, random: np.random.RandomState
    ) -> tuple[Arm, Mapping[Any, int]]:
        """Set `decision_`; return the chosen arm, and the number of rows that each class lacks."""
        gaps = added_rows(getattr(sampler, "sampling_strategy", "auto"), rows.y)
        if self.policy == "always":
            arm = Arm(type(sampler).__name__, "sampler")
            self.decision_ = decision_table([arm], {}, 0, "policy='always'")
            return arm, gaps
        scorer = check_scoring(estimator, self.scoring)

        def fit(arm: Arm, treated: LabelledRows, train: NDArray[np.int64]) -> Any:
            weights = None if rows.weights is None else rows.weights[train]
            return self._fit_model(clone(estimator), arm, treated, _Rows(None, rows.y[train], weights))

        def score(model: Any, test: NDArray[np.int64]) -> float:
            try:
                return float(scorer(model, _safe_indexing(rows.X, test), rows.y[test]))
            except ValueError as error:
                if unseen := sorted({*rows.y.tolist()} - {*rows.y[test].tolist()}, key=str):
                    raise DataError(
                        f"scoring must get by without rows of {unseen}, too few to be tested as well as learned from, "
                        f"but {self.scoring!r} does not ({error}): choose 'balanced_accuracy', or policy='always'"
                    ) from error
                raise

        arms = arms_for(estimator, sampler, rows.X)
        self.decision_ = select_arm(arms, rows.X, rows.y, gaps, sampler, fit=fit, scorer=score, random=random)
        return arms[int(np.flatnonzero(self.decision_["chosen"])[0])], gaps

    def _fit_model(self, estimator: Any, arm: Arm, treated: LabelledRows, rows: _Rows) -> Any:
        """Fit the estimator to treated rows, and correct its probabilities if `correct_prior` is set."""
        X, y = treated
        weights = resampled_weights(rows.weights, rows.y, y, self.synthetic_weight)
        if arm.weighted:
            estimator.set_params(**_class_weights(estimator, y, weights))
        fit_weighted(estimator, X, y, weights)
        if not self.correct_prior:
            return estimator
        classes = estimator.classes_
        seen = np.full(len(classes), 1 / len(classes)) if arm.weighted else class_shares(y, weights, classes)
        true = class_shares(rows.y, rows.weights, classes)
        return PriorCorrected(estimator, np.divide(true, seen, out=np.zeros_like(true), where=seen > 0))

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self)
        is_foreign(X)  # refuses a lazy frame
        if getattr(X, "ndim", 2) > 1:  # the estimator refuses one-dimensional rows, and says how to reshape them
            validate_data(self, X, skip_check_array=True, reset=False)
        return self._model


def _check_classifier(estimator: Any) -> None:
    kind = get_tags(estimator).estimator_type
    if kind not in ("classifier", None):  # None: it does not say
        raise DataError(
            f"The 'estimator' of AugmentedClassifier must be a classifier, but {type(estimator).__name__} is a {kind}: "
            "choose one that predicts classes."
        )


def _class_weights(estimator: Any, y: NDArray[Any], weights: NDArray[np.float64] | None) -> dict[str, Any]:
    """Return the parameters that make all classes weigh the same, also if their rows have weights.

    "balanced" would not: some estimators balance the numbers of rows, and not their weights.
    """
    settings: dict[str, Any] = dict(class_weight_settings(estimator))
    if weights is None:
        return settings
    classes = np.unique(y)
    shares = class_shares(y, weights, classes) * len(classes)
    by_class = {label: 1 / share for label, share in zip(classes.tolist(), shares.tolist(), strict=True) if share}
    return dict.fromkeys(settings, by_class)


def _indexable(X: Any) -> Any:
    """Return `X` in a form whose rows can be indexed."""
    if sparse.issparse(X):
        return X if X.format in ("csr", "csc") else X.tocsr()
    return X if isinstance(X, list | np.ndarray) or hasattr(X, "iloc") or is_foreign(X) else np.asarray(X)


def _seeded(part: Any, random: np.random.RandomState) -> Any:
    """Return a copy in which every unset `random_state` is set, so that one seed makes the whole fit repeatable."""
    copy = clone(part)
    names = sorted(name for name in copy.get_params() if name.rsplit("__", 1)[-1] == "random_state")
    unset = [name for name in names if copy.get_params()[name] is None]
    return copy.set_params(**{name: int(random.randint(2**31)) for name in unset})
