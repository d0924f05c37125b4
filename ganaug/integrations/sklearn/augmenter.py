"""`GANAugmenter`: the estimator to use on its own."""

from typing import Any

from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils import TransformerTags
from sklearn.utils._set_output import _get_output_config, _SetOutputMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ganaug.data.containers.frames import as_pandas, is_foreign
from ganaug.errors import DataError
from ganaug.integrations.sklearn.base import BaseGAN


def _has_columns(augmenter: Any) -> bool:
    container = getattr(augmenter, "_container", None)
    if container is None or container.has_columns:
        return True
    raise AttributeError(
        f"set_output and names of columns need a table, but this {type(augmenter).__name__} was fitted to "
        f"{container.described}: they are returned as arrays."
    )


# Not a TransformerMixin, which has `fit_transform`.
class GANAugmenter(OneToOneFeatureMixin, _SetOutputMixin, BaseGAN):  # type: ignore[misc]
    """Train a generator on labelled rows, images, signals or clips, and add synthetic ones to the small classes.

    Parameters
    ----------
    model : {"gan", "vae", "autoencoder", "flow", "auto"}, default="gan"
        The family of the generator. "auto" trains each family for a short time, and takes the one whose samples are
        nearest to held-out data.
    space : {"auto", "pixels", "latent"}, default="auto"
        For images: what the generator learns, their pixels, or the latents of the autoencoder that ganaug brings.
        Latents suit photographs, and are quicker to learn. They need images of 32 pixels or more. "auto" chooses
        latents where the autoencoder reproduces the images well.
    sampling_strategy : float, str, dict, list or callable, default="auto"
        The classes that gain synthetic rows, and their sizes afterwards, as in imbalanced-learn:

        - float: the ratio of the smaller class to the larger one; for two classes only;
        - "minority": the smallest class becomes as large as the largest;
        - "not majority", or "auto": all classes become as large as the largest;
        - "not minority": all classes but the smallest become as large as the largest;
        - "all": the same as "not majority", since the largest class gains no rows;
        - list: the classes with these labels become as large as the largest;
        - dict: from label to the number of rows of the class;
        - callable: a function that takes `y` and returns such a dict.
    categorical_features : "auto" or array-like, default="auto"
        Columns of numbers that are categories: column names, positions, or one bool for each column. Columns of text,
        bool and categorical dtypes always hold categories; "auto" adds no others.
    rules : "auto", None or list of str, default="auto"
        Rules between the columns of a table, which synthetic rows keep. "auto" finds those that hold in every row of
        `X`. A list declares further ones, such as ``["admitted <= discharged", "total = price * quantity"]``, which
        must hold in every row, or switches found ones off, such as ``["not first <= last"]``. None finds no rules, nor
        does a list that has "none". Columns of an array are x0, x1, ...
    image_shape : (height, width) or (height, width, channels), optional
        The shape of the images, if each row of `X` is a flat image; or of clips (frames, height, width, channels).
        Arrays of three or four dimensions are images without this parameter, and arrays of five are clips. The values
        of images are numbers from 0 to 1, or from 0 to 255, or from 0 to the largest value in `X` if that is more than
        1 and at most 127. Synthetic images have the same range.
    signal : bool, default=False
        Whether `X` holds signals: time series, sounds or other arrays of shape (n, length, channels) or (n, length).
        Their values may have any unit. Without it, arrays of three dimensions are grey images.
    augment : albumentations transform, optional
        For images only: a transform that keeps shape and dtype, such as ``A.Compose([A.HorizontalFlip()])``. It is
        applied to each real image whenever the generator is trained on it, so that a small class shows more variety.
        See the notes for transforms that are unsuitable.
    techniques : mapping, optional
        Techniques of training that are switched on or off, such as ``{"feature_matching": 0.5}``. The defaults are what
        was measured; the names are the attributes of `ganaug.techniques.switches.Techniques`.
    time_budget : float, optional
        Time for the training, in seconds. By default, training takes about three minutes for images and clips, and
        two for signals; for tables, a number of steps that depends on the size of the table.
    max_steps : int, optional
        Largest number of training steps. With `max_steps`, an integer `random_state` and no `time_budget`, a fit gives
        the same generator each time.
    device : str, default="auto"
        The device to train on: "auto", "cpu", "cuda" or "mps".
    callbacks : list or tuple of callables, default=()
        Each is called as ``callback(step)`` after every training step. `step` has the attributes `number`, `progress`
        (from 0 to 1), `seconds`, `resolution`, `losses` (a dict) and `validation` (`score`, `agreement`, `variety`, or
        None). A callback that raises `ganaug.StopTraining` ends the training, and the best generator so far is kept.
        Any other exception ends `fit`, and is raised as it is.
    random_state : int, RandomState or None, default=None
        The source of random numbers. NumPy's global state is neither used nor changed.
    verbose : int, default=0
        If 1, show the progress of the training, and print one line after it.

    Attributes
    ----------
    generator_ : Generator
        The trained generator.
    history_ : DataFrame
        The training history: measurements in the course of the training, one row for each.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        The number of columns, or of values in an image.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The column names; only if all of them are text.
    is_synthetic_ : ndarray of bool, shape (n_rows,)
        For each row that `transform` returned, whether it is synthetic.
    sampling_strategy_ : dict
        From label to the number of rows that `transform` added.

    See Also
    --------
    GANSampler : The same for an imbalanced-learn Pipeline.
    AugmentedClassifier : The same for a scikit-learn Pipeline.

    Notes
    -----
    The generator imitates the images that `augment` makes: whatever it changes appears in the samples. This is called a
    leak [1]_. (The training itself applies small shifts, rotations, zooms and changes of brightness to real and
    synthetic images alike, and these do not leak.) So `augment` should make another plausible image of the same class:

    - suitable: horizontal flips of photographs, slight rotations, small shifts that crop nothing, small changes of
      brightness;
    - `CoarseDropout` leads to samples with holes;
    - `GaussNoise`, `GaussianBlur` and `ImageCompression` lead to noisy, blurred and blocky samples;
    - `ElasticTransform` and `GridDistortion` lead to warped samples;
    - `InvertImg`, `Solarize` and strong `ColorJitter` lead to false colours;
    - `Rotate` with a constant fill leads to filled corners;
    - flips and large rotations turn some digits and letters into others.

    There is no ``fit_transform``, because a scikit-learn Pipeline would call it and take the pair ``(X, y)`` for rows.

    References
    ----------
    .. [1] T. Karras et al.: Training generative adversarial networks with limited data. NeurIPS, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.integrations.sklearn import GANAugmenter
    >>> X, y = np.random.default_rng(0).normal(size=(60, 3)), np.array(["common"] * 50 + ["rare"] * 10)
    >>> augmenter = GANAugmenter(max_steps=2, random_state=0).fit(X, y)
    >>> X_balanced, y_balanced = augmenter.transform(X, y)
    >>> X_balanced.shape, int((y_balanced == "rare").sum()), int(augmenter.is_synthetic_.sum())
    ((100, 3), 50, 40)
    """

    def transform(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        """Add synthetic rows as `sampling_strategy` says.

        Parameters
        ----------
        X : rows or images as in `fit`
            The real rows. They come first in the result, unchanged.
        y : array-like of shape (n_samples,)
            The label of each row.

        Returns
        -------
        X, y
            The real rows and labels, followed by the synthetic ones in the order of their classes. After
            ``set_output(transform="polars")``, or "pandas", `X` is a DataFrame of that library; images, signals and
            clips stay arrays. By default, containers and
            dtypes are those of the arguments, with two exceptions: a DataFrame has a fresh index, as in
            imbalanced-learn; and a column whose dtype cannot hold the synthetic values is promoted to a dtype that
            can. For example, a column that is int8 here, but was int64 in `fit`, becomes int64.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        DataError
            If `y` is missing, as in a scikit-learn Pipeline; if `X` differs from the data in `fit`, for example in the
            kind of values in a column; or if no dtype holds both real and synthetic values of a column.
        """
        check_is_fitted(self)
        if y is None:
            self._check_rows(X, reset=False)
            raise DataError(
                "GANAugmenter.transform needs the labels, because it adds rows: call transform(X, y). A scikit-learn "
                "Pipeline cannot pass labels on: put AugmentedClassifier around its classifier instead, or use "
                "GANSampler in imblearn.pipeline.Pipeline."
            )
        X, y = self._balance(self._check(X, y, reset=False))
        # scikit-learn knows no way from other frames to those of pandas.
        to_pandas = is_foreign(X) and _get_output_config("transform", self)["dense"] == "pandas"
        return (as_pandas(X) if to_pandas else X), y

    @available_if(_has_columns)  # type: ignore[untyped-decorator]
    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns that `transform` returns, which are those of `fit`.

        Parameters
        ----------
        input_features : array-like of str, optional
            The names of the columns in `fit`. Other names are refused.

        Returns
        -------
        ndarray of shape (n_features_in_,)
            The names; x0, x1, ... if the columns have none.
        """
        names: NDArray[Any] = super().get_feature_names_out(input_features)
        return names

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags(preserves_dtype=[])
        return tags
