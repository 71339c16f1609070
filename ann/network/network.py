"""A network is a stack of dense layers whose numbers live in one flat vector.

Every layer computes a = f(x W + b). All weights and biases are views into `Network.parameters`,
so an optimiser sees a single vector, and copying the best weights so far is one copy. The vector
holds the weights of all layers, then all biases, then what normalisation has learnt. The weights
into a unit lie side by side, W column by column, which is how the matrix products of training are
quickest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ann.calculus.graph import Variable
from ann.display import html_table
from ann.drawing.training_history import draw_history
from ann.drawing.weight_images import draw_weights
from ann.errors import DataError, ParameterError, ShapeError, require_number, require_whole
from ann.network.activations import Activation, resolve
from ann.network.arrays import aligned_zeros, is_sparse, physical_memory
from ann.network.initialisation import initial_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BatchNorm", "Layer", "Network", "Parts", "one_each"]


@dataclass
class BatchNorm:
    """What batch normalisation adds to a layer: z → scale (z - mean) / √(var + ε) + shift.

    While training, mean and variance are those of the batch; afterwards running averages of
    them (Ioffe & Szegedy, 2015, ICML). `scale` and `shift` are learnt.
    """

    scale: np.ndarray
    shift: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    epsilon: float = 1e-5
    memory: float = 0.9

    def slope_and_offset(self) -> tuple[np.ndarray, np.ndarray]:
        """The straight line per unit that normalisation amounts to after training."""
        slope = self.scale / np.sqrt(self.variance + self.epsilon)
        return slope, self.shift - self.mean * slope


class Parts(NamedTuple):
    """What of a vector laid out like `Network.parameters` belongs to one layer, as views."""

    weights: np.ndarray  # (n_in, n_out)
    bias: np.ndarray  # (n_out,)
    scale: np.ndarray  # (n_out,), or empty without normalisation
    shift: np.ndarray


@dataclass
class Layer:
    """A dense layer: a = f(x W + b).

    Attributes
    ----------
    weights : ndarray of shape (n_in, n_out)
    bias : ndarray of shape (n_out,)
    activation : Activation
        What the units do; has ``.name``.
    dropout : float
        Fraction of this layer's outputs silenced at each training step.
    norm : BatchNorm or None
        Normalisation between the sum and the activation.
    """

    weights: np.ndarray
    bias: np.ndarray
    activation: Activation
    dropout: float = 0.0
    norm: BatchNorm | None = None

    @property
    def n_in(self) -> int:
        return int(self.weights.shape[0])

    @property
    def n_out(self) -> int:
        return int(self.weights.shape[1])

    def net_input(self, x: Any) -> np.ndarray:
        """Input z of the activation, shape (batch, n_out), for x of shape (batch, n_in)."""
        z = np.asarray(x @ self.weights)
        z += self.bias
        if self.norm is not None:
            slope, offset = self.norm.slope_and_offset()
            z = z * slope + offset
        return z


def _check_memory(sizes: tuple[int, ...], n_bytes: int) -> None:
    """Refuse a network that no memory of this machine can hold."""
    most = physical_memory() or 2**46
    if n_bytes > most:
        raise ParameterError(
            f"sizes {[float(f'{n:.3g}') if n > 10**9 else n for n in sizes]} make "
            f"{n_bytes / 1e9:.3g} GB of parameters, but this machine has {most / 1e9:.3g} GB of "
            "memory; give fewer units"
        )


class Network:
    """Dense layers over one flat vector of parameters.

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, then units of each layer: at least two numbers.
    activations : str, Activation, object or sequence of them
        One for each layer, or one for all hidden layers, the output then being ``identity``.
    dropout : float or sequence of float
        Fraction silenced in the hidden layers while training, in [0, 1).
    batch_norm : bool
        Normalise the sums of the hidden layers over the batch.
    initialisation : str
        See `initial_weights`.
    dtype : {"float32", "float64"}
        Precision of the parameters and of all computation with them.
    rng : numpy.random.Generator or int, optional
        Source of the initial weights.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
        All numbers that are learnt.
    layers : tuple of Layer
        Views into `parameters`, first layer first.
    history : list of dict
        Of its last training, one record an epoch; see `ann.Trainer.history`.

    Raises
    ------
    ParameterError
        If sizes, activations or fractions are out of range.

    Examples
    --------
    >>> net = Network([2, 3, 1], ["tanh", "identity"], rng=0)
    >>> net.parameters.size, [a.shape for a in net.activations(np.zeros((5, 2)))]
    (13, [(5, 3), (5, 1)])
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activations: Any = "sigmoid",
        *,
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool = False,
        initialisation: str = "auto",
        dtype: Any = np.float32,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        listed = list(sizes) if isinstance(sizes, Iterable) else []
        if len(listed) < 2:
            raise ParameterError(
                f"sizes lists the inputs and the units of each layer, for example [4, 8, 3]; "
                f"got {sizes}"
            )
        self.sizes = tuple(require_whole(f"sizes[{k}]", n, 1) for k, n in enumerate(listed))
        n_layers = len(self.sizes) - 1
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ParameterError(f"dtype must be float32 or float64, not {dtype}")
        if not isinstance(activations, list | tuple):
            output = ["identity"] if n_layers > 1 else []
            activations = [resolve(activations)] * max(n_layers - 1, 1) + output
        kinds = [resolve(a) for a in one_each("activations", activations, n_layers, "layers")]
        for kind in kinds[:-1]:
            if kind.name == "softmax":
                raise ParameterError("softmax is an output activation; it cannot be hidden")
        fractions = one_each("dropout fractions", dropout, n_layers - 1, "hidden layers")
        for fraction in fractions:
            require_number("dropout", fraction, 0.0, 1.0)
        generator = np.random.default_rng(rng)
        self.n_weights = sum(n_in * n_out for n_in, n_out in pairwise(self.sizes))
        self.n_biases = sum(self.sizes[1:])
        self._normed = bool(batch_norm)
        self.history: list[dict[str, Any]] = []
        n_norm = 2 * sum(self.sizes[1:-1]) if batch_norm else 0
        n_parameters = self.n_weights + self.n_biases + n_norm
        _check_memory(self.sizes, n_parameters * self.dtype.itemsize)
        self.parameters = aligned_zeros(n_parameters, self.dtype)
        self.layers = tuple(
            self._layer(i, kind, fraction)
            for i, (kind, fraction) in enumerate(zip(kinds, [*fractions, 0.0], strict=True))
        )
        resting = 0.0
        for layer in self.layers:
            w = initial_weights(
                layer.n_in, layer.n_out, layer.activation, generator, initialisation
            )
            layer.weights[...] = w
            # Sigmoids rest at 1/2, not 0. Taken as it is, that would push the next layer's units
            # far from their steep part; the bias takes it away.
            layer.bias[...] = -resting * w.sum(axis=0)
            if layer.activation.elementwise:
                resting = float(layer.activation.value(np.zeros(1))[0])

    def _layer(self, i: int, kind: Activation, fraction: float) -> Layer:
        weights, bias, scale, shift = self.parts(i)
        norm = None
        if scale.size:
            scale[...] = 1
            norm = BatchNorm(scale, shift, np.zeros_like(scale), np.ones_like(scale))
        return Layer(weights, bias, kind, fraction, norm)

    def parts(self, i: int, vector: np.ndarray | None = None) -> Parts:
        """Weights, bias, scale and shift of layer `i`, as views.

        Parameters
        ----------
        i : int
            Which layer, from 0.
        vector : ndarray, optional
            Something laid out like `parameters`, such as a gradient; by default `parameters`.

        Examples
        --------
        >>> net = Network([2, 1], "identity", initialisation="zeros")
        >>> net.parts(0, np.array([1.0, 2.0, 3.0])).weights
        array([[1.],
               [2.]])
        """
        source = self.parameters if vector is None else vector
        n_in, n_out = self.sizes[i], self.sizes[i + 1]
        start = sum(a * b for a, b in pairwise(self.sizes[: i + 1]))
        before = sum(self.sizes[1 : i + 1])
        norms = source[self.n_weights + self.n_biases :][2 * before :]
        n_norm = n_out if self._normed and i < len(self.sizes) - 2 else 0
        return Parts(
            source[start : start + n_in * n_out].reshape(n_out, n_in).T,
            source[self.n_weights + before :][:n_out],
            norms[:n_norm],
            norms[n_norm : 2 * n_norm],
        )

    @classmethod
    def from_arrays(
        cls,
        weights: Sequence[Any],
        biases: Sequence[Any],
        activations: Any,
        *,
        dtype: Any = np.float32,
    ) -> Network:
        """Build a network from given numbers.

        Parameters
        ----------
        weights : sequence of array_like, each (n_in, n_out)
        biases : sequence of array_like, each (n_out,)
        activations : as for `Network`
        dtype : {"float32", "float64"}

        Returns
        -------
        Network

        Raises
        ------
        ShapeError
            If one layer does not fit the next.

        Examples
        --------
        >>> Network.from_arrays([[[2.0]]], [[1.0]], "identity").logits(np.array([[3.0]]))
        array([[7.]], dtype=float32)
        """
        matrices = [np.asarray(w) for w in weights]
        vectors = [np.asarray(b) for b in biases]
        for i, (w, b) in enumerate(zip(matrices, vectors, strict=True)):
            expected = matrices[i - 1].shape[-1] if i else w.shape[0] if w.ndim == 2 else None
            if w.ndim != 2 or w.shape[0] != expected or b.shape != (w.shape[1],):
                raise ShapeError(
                    f"layer {i + 1}: weights {w.shape} and bias {b.shape}; expected "
                    f"({expected}, n_out) and (n_out,)"
                )
        sizes = [matrices[0].shape[0], *(w.shape[1] for w in matrices)]
        network = cls(sizes, activations, dtype=dtype, initialisation="zeros")
        for layer, w, b in zip(network.layers, matrices, vectors, strict=True):
            layer.weights[...] = w
            layer.bias[...] = b
        return network

    def copy(self, dtype: Any = None) -> Network:
        """An independent network with the same numbers, in another precision if wanted."""
        state = self.__getstate__()
        if dtype is not None:
            state["dtype"] = dtype
        twin = Network.__new__(Network)
        twin.__setstate__(state)
        return twin

    # Layers are views into `parameters`; a copied or pickled network must make its own.
    def __getstate__(self) -> dict[str, Any]:
        return {
            "sizes": self.sizes,
            "activations": [layer.activation for layer in self.layers],
            "dropout": [layer.dropout for layer in self.layers[:-1]],
            "batch_norm": self.layers[0].norm is not None,
            "dtype": self.dtype.name,
            "parameters": self.parameters,
            "history": list(self.history),
            "running": self.running_averages(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        settings = dict(state)
        history = settings.pop("history")
        parameters, running = settings.pop("parameters"), settings.pop("running")
        self.__init__(**settings, initialisation="zeros")  # type: ignore[misc]
        self.parameters[...], self.history = parameters, history
        for own, given in zip(self.running_averages(), running, strict=True):
            own[...] = given

    def running_averages(self) -> list[np.ndarray]:
        """The arrays that batch normalisation follows without learning them."""
        norms = [layer.norm for layer in self.layers if layer.norm is not None]
        return [x for norm in norms for x in (norm.mean, norm.variance)]

    def folded(self) -> Network:
        """The same function without batch normalisation: its line goes into W and b."""
        weights, biases = [], []
        for layer in self.layers:
            w, b = layer.weights, layer.bias
            if layer.norm is not None:
                slope, offset = layer.norm.slope_and_offset()
                w, b = w * slope, b * slope + offset
            weights.append(w)
            biases.append(b)
        return Network.from_arrays(
            weights, biases, [layer.activation for layer in self.layers], dtype=self.dtype
        )

    # -- what it answers ----------------------------------------------------------------------
    def _checked(self, X: Any) -> Any:
        if not is_sparse(X):
            X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != self.sizes[0]:
            raise ShapeError(
                f"X has shape {X.shape}; this network reads (rows, {self.sizes[0]}) arrays"
            )
        if X.dtype.kind not in "fiub":
            raise DataError(f"X has dtype {X.dtype}; a network reads numbers")
        return X.astype(self.dtype, copy=False)

    def activations(self, X: Any) -> list[np.ndarray]:
        """Output of every layer.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (rows, n_inputs)

        Returns
        -------
        list of ndarray, each (rows, n_out)
            The last is the output of the network, after its activation.

        Raises
        ------
        ShapeError
            If X is not a table with as many columns as the network has inputs.
        """
        outputs, x = [], self._checked(X)
        for layer in self.layers:
            x = layer.activation.value(layer.net_input(x))
            outputs.append(x)
        return outputs

    def logits(self, X: Any) -> np.ndarray:
        """Input of the output activation, shape (rows, n_outputs); X as for `activations`."""
        x = self._checked(X)
        for layer in self.layers[:-1]:
            x = layer.activation.value(layer.net_input(x))
        return self.layers[-1].net_input(x)

    def output(self, X: Any, rows_at_once: int = 4096) -> np.ndarray:
        """Output of the network, shape (rows, n_outputs), computed a stretch of rows at a time.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (rows, n_inputs)
        rows_at_once : int
            Bounds the memory for hidden layers.
        """
        X = X if is_sparse(X) else np.asarray(X)
        out = np.empty((X.shape[0], self.sizes[-1]), self.dtype)
        last = self.layers[-1].activation
        for start in range(0, X.shape[0], rows_at_once):
            rows = slice(start, start + rows_at_once)
            out[rows] = last.value(self.logits(X[rows]))
        return out

    def graph(self, X: np.ndarray) -> tuple[Variable, list[Variable]]:
        """The network as a differentiable expression, in double precision.

        Parameters
        ----------
        X : ndarray of shape (rows, n_inputs)

        Returns
        -------
        logits : Variable of shape (rows, n_outputs)
            Input of the output activation.
        parameters : list of Variable
            W and b of each layer, in order, named.

        Raises
        ------
        ParameterError
            If the network has batch normalisation; fold it first.
        """
        parameters: list[Variable] = []
        x = Variable(np.asarray(X, np.float64), name="x")
        for i, layer in enumerate(self.layers, 1):
            if layer.norm is not None:
                raise ParameterError("batch normalisation has no graph here; use folded()")
            w = Variable(layer.weights.astype(np.float64), name=f"W{i}")
            b = Variable(layer.bias.astype(np.float64), name=f"b{i}")
            parameters += [w, b]
            x = x @ w + b
            if i < len(self.layers):
                x = layer.activation.graph(x)
        return x, parameters

    # -- what it looks like -------------------------------------------------------------------
    def plot_history(self, ax: Axes | None = None) -> Axes:
        """Draw the loss of each epoch of the training.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ParameterError
            If the network was not trained by epochs.
        """
        return draw_history(self.history, ax=ax)

    def plot_weights(
        self,
        layer: int = 1,
        shape: tuple[int, int] | None = None,
        ax: Axes | None = None,
        *,
        most: int = 64,
    ) -> Axes:
        """Draw the weights into the units of a layer: red excites, blue inhibits.

        Parameters
        ----------
        layer : int
            Counted from 1.
        shape : (int, int), optional
            Rows and columns of the image that the inputs are. By default square where the number
            of inputs is a square of at least 16; else there are no images but one matrix.
        ax : matplotlib Axes, optional
        most : int
            Largest number of units shown.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ParameterError
            If there is no such layer or the inputs do not fill the image.
        """
        if not 1 <= layer <= len(self.layers):
            raise ParameterError(f"layer must lie in 1 to {len(self.layers)}, not {layer}")
        return draw_weights(self.layers[layer - 1].weights, shape, ax, layer=layer, most=most)

    def _repr_html_(self) -> str:
        head = ["layer", "inputs", "units", "activation", "dropout", "batch norm", "parameters"]
        rows = [
            (i + 1, layer.n_in, layer.n_out, layer.activation.name, f"{layer.dropout:g}",
             "no" if layer.norm is None else "yes", sum(part.size for part in self.parts(i)))
            for i, layer in enumerate(self.layers)
        ]  # fmt: skip
        note = (
            f"{self.parameters.size} parameters, {self.dtype}; {len(self.history)} epochs trained"
        )
        return html_table(f"Network {'-'.join(map(str, self.sizes))}", rows, head, note)

    def __repr__(self) -> str:
        kinds = ", ".join(layer.activation.name for layer in self.layers)
        shape = "-".join(map(str, self.sizes))
        return f"Network({shape}: {kinds}; {self.parameters.size} parameters, {self.dtype})"


def one_each(what: str, given: Any, n: int, whose: str) -> list[Any]:
    """What is given, once for each of n layers, or as a list of so many.

    Raises
    ------
    ParameterError
        If the list has another length.

    Examples
    --------
    >>> one_each("fractions", 0.5, 2, "layers")
    [0.5, 0.5]
    """
    if not isinstance(given, list | tuple | np.ndarray):
        return [given] * n
    if len(given) != n:
        raise ParameterError(f"{len(given)} {what} for {n} {whose}; give one, or one for each")
    return list(given)
