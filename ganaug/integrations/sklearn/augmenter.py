"""`GANAugmenter`: the face to use by hand."""

from typing import Any

from sklearn.utils import TransformerTags
from sklearn.utils.validation import check_is_fitted

from ganaug.errors import DataError
from ganaug.integrations.sklearn.base import BaseGAN

__all__ = ["GANAugmenter"]


class GANAugmenter(BaseGAN):
    """Learn what each class looks like, and fill small classes up with synthetic rows.

    Parameters
    ----------
    model : {"gan"}, default="gan"
        The kind of generator.
    sampling_strategy : float, str, dict, list or callable, default="auto"
        Which classes gain rows, and how many. As in imbalanced-learn: a float is the wanted ratio of the smaller class
        to the larger; "minority", "not minority", "not majority" (the same as "auto") or "all" name the classes that
        become as large as the largest, and so does a list of labels; a dict gives the wanted number of rows by label;
        a callable makes such a dict from the labels.
    categorical_features : "auto" or array-like, default="auto"
        Columns whose numbers are categories: their names, their positions or one bool for each column. "auto" takes
        those whose type says so.
    image_shape : (height, width) or (height, width, channels), optional
        Says that each row is a flat image: numbers from 0 to 1, or whole numbers from 0 to 255 (or to the largest there
        is, if that is at most 127). Synthetic rows have the same range. Arrays of more than two dimensions are images
        anyway.
    augment : albumentations transform, optional
        For images: a pipeline that keeps labels, shape and dtype, such as ``A.Compose([A.HorizontalFlip()])``. It is
        applied to every real image each time the generator learns from it, and so gives a small class more to learn
        from. See the notes for what leaks.
    time_budget : float, optional
        Wall-clock seconds for the training; by default a time that suits the data.
    max_steps : int, optional
        Most training steps; with it and without `time_budget` a fit repeats exactly.
    device : str, default="auto"
        "auto", "cpu", "cuda" or "mps".
    random_state : int, RandomState or None, default=None
        None takes fresh randomness, and leaves NumPy's global state as it is.
    verbose : int, default=0
        1 prints one line about the training.

    Attributes
    ----------
    generator_ : Generator
        The trained generator.
    history_ : DataFrame
        The course of the training.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_features_in_ : int
        Number of columns, or of values in an image.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where all of them are text.
    is_synthetic_ : ndarray of bool, shape (n_rows,)
        After `transform`: which rows of its result are synthetic.
    sampling_strategy_ : dict
        After `transform`: how many rows it added to each class.

    See Also
    --------
    GANSampler : The same inside an imbalanced-learn Pipeline.
    AugmentedClassifier : The same inside a scikit-learn Pipeline.

    Notes
    -----
    Whatever `augment` does ends up in the samples: the generator imitates what it is shown (Karras et al. 2020 call
    this a leak, and avoid it only by distorting real and synthetic images alike, as the training does by itself with
    small shifts, turns, zooms and changes of light). So give it only what makes another believable image of the same
    class: a horizontal flip of photographs, a slight rotation or crop-free shift, a little brightness. Everything else
    leaks as a flaw: `CoarseDropout` gives samples with holes, `GaussNoise`, `GaussianBlur` and `ImageCompression`
    noisy, blurred and blocky ones, `ElasticTransform` and `GridDistortion` warped ones, `InvertImg`, `Solarize` and
    strong `ColorJitter` false colours, `Rotate` with a constant fill its corners. Flips and large turns change the
    class of digits and text.

    There is no ``fit_transform``: a scikit-learn Pipeline would call it, and take the pair of rows and labels for rows.
    One that only refused would spare the Pipeline a training in vain, but fail two checks of scikit-learn's more.

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
        """Fill the classes up as `sampling_strategy` says.

        Parameters
        ----------
        X : rows or images as in `fit`
            They come first in the result, unchanged.
        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        X, y
            In the containers and dtypes that they came in, but a DataFrame with a fresh index, as imbalanced-learn
            does; synthetic rows last, in the order of their classes. Where a dtype is too narrow for what was learned,
            as int8 is for a column fitted as int64, the result has one that holds both.

        Raises
        ------
        DataError
            If there is no `y`, as in a scikit-learn Pipeline, or no dtype holds both what a column has and what was
            learned (a `ValueError`).
        """
        check_is_fitted(self)
        if y is None:
            self._check_rows(X, reset=False)
            raise DataError(
                "GANAugmenter.transform adds rows, and so needs their labels: call transform(X, y). A scikit-learn "
                "Pipeline cannot pass them on: put AugmentedClassifier around its classifier instead, or use "
                "GANSampler in imblearn.pipeline.Pipeline."
            )
        return self._balance(self._check(X, y, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags(preserves_dtype=[])
        return tags
