"""PyTorch stacks onto neurons: batch normalisation, and what is not a stack."""

import numpy as np
import pytest

from bridge.errors import ConversionError
from bridge.mapping.accepted_networks import validate

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn
X = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)


def trained(*layers):
    module = nn.Sequential(*layers)
    for _ in range(20):
        module.train()(torch.randn(64, 6) * 3 + 1)
    return module.eval()


@pytest.mark.parametrize("how", [{}, {"affine": False}])
@pytest.mark.parametrize("between", [[], [nn.Dropout(0.3)]])
def test_normalisation_after_a_linear_layer_is_folded(how, between):
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(8, **how)
    if norm.affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    module = trained(nn.Linear(6, 8, bias=False), *between, norm, nn.ReLU(), nn.Linear(8, 3))
    with torch.no_grad():
        wanted = module(torch.tensor(X)).numpy()
    np.testing.assert_allclose(validate(module).logits(X), wanted, atol=1e-5)


def test_normalisation_elsewhere_is_refused():
    last = [nn.ReLU(), nn.Linear(8, 3)]
    for layers, said in (
        ([nn.Linear(6, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 3)], "comes after ReLU"),
        ([nn.BatchNorm1d(6), nn.Linear(6, 8), *last], "comes first"),
        ([nn.Linear(6, 8), nn.BatchNorm1d(8, track_running_stats=False), *last], "track_running"),
    ):
        with pytest.raises(ConversionError, match=said):
            validate(nn.Sequential(*layers))


def test_a_shared_activation_is_not_lost():
    act = nn.ReLU()
    module = nn.Sequential(nn.Linear(6, 8), act, nn.Linear(8, 8), act, nn.Linear(8, 3))
    with torch.no_grad():
        wanted = module(torch.tensor(X)).numpy()
    np.testing.assert_allclose(validate(module).logits(X), wanted, atol=1e-5)


def test_modules_that_are_no_plain_stack_are_refused():
    class Own(nn.Module):
        pass

    class Residual(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    with pytest.raises(
        ConversionError, match=r"Own.*write the model as dense layers in a torch\.nn\.Sequential"
    ):
        validate(Own())
    with pytest.raises(ConversionError, match="Residual is a Sequential with a forward"):
        validate(Residual(nn.Linear(6, 6), nn.ReLU()))
