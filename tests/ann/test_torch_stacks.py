"""PyTorch stacks are read as they compute, or refused."""

import numpy as np
import pytest

from ann.errors import ParameterError
from ann.files.other_libraries import from_pytorch

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn
X = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)


def outputs(module):
    with torch.no_grad():
        return module.eval()(torch.tensor(X).to(next(module.parameters()).dtype)).float().numpy()


def test_a_layer_used_twice_counts_twice():
    torch.manual_seed(0)
    act, linear = nn.ReLU(), nn.Linear(4, 4)
    for module in (
        nn.Sequential(nn.Linear(4, 6), act, nn.Linear(6, 6), act, nn.Linear(6, 2)),
        nn.Sequential(linear, nn.Tanh(), linear, nn.Tanh(), nn.Linear(4, 2)),
        nn.Sequential(nn.Sequential(linear, act), nn.Sequential(linear, act), nn.Linear(4, 2)),
    ):
        np.testing.assert_allclose(from_pytorch(module).output(X), outputs(module), atol=1e-6)


def test_a_stack_that_computes_more_is_refused():
    class Residual(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    class Named(nn.Sequential):
        pass

    inner = Residual(nn.Linear(4, 4), nn.ReLU())
    for module in (inner, nn.Sequential(inner, nn.Linear(4, 2))):
        with pytest.raises(ParameterError, match="Residual is a Sequential with a forward of its"):
            from_pytorch(module)
    module = nn.Sequential(Named(nn.Linear(4, 4), nn.ReLU()), nn.Linear(4, 2))
    np.testing.assert_allclose(from_pytorch(module).output(X), outputs(module), atol=1e-6)


def test_a_softplus_cut_off_early_is_refused():
    def stack(**how):
        return nn.Sequential(nn.Linear(4, 3), nn.Softplus(**how), nn.Linear(3, 1))

    with pytest.raises(ParameterError, match=r"threshold 0\.5 is cut off"):
        from_pytorch(stack(threshold=0.5))
    module = stack()
    np.testing.assert_allclose(from_pytorch(module).output(X), outputs(module), atol=1e-6)


def test_half_precision_becomes_single():
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1)).to(torch.bfloat16)
    found = from_pytorch(module)
    assert found.parameters.dtype == np.float32
    np.testing.assert_array_equal(
        found.layers[0].weights.T, module[0].weight.detach().float().numpy()
    )
