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


def stack(middle=None, **how):
    return nn.Sequential(nn.Linear(4, 3), middle or nn.ReLU(), nn.Linear(3, 2), **how).eval()


def test_a_softmax_over_the_rows_is_refused():
    def ending(**how):
        return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2), nn.Softmax(**how))

    with pytest.raises(ParameterError, match="layer 3: Softmax over dimension 0 mixes"):
        from_pytorch(ending(dim=0))
    for dim in (1, -1):
        module = ending(dim=dim)
        np.testing.assert_allclose(from_pytorch(module).output(X), outputs(module), atol=1e-6)


@pytest.mark.parametrize("place", ["stack", "inner stack", "layer", "activation"])
@pytest.mark.parametrize("kind", ["register_forward_hook", "register_forward_pre_hook"])
def test_hooks_are_refused(place, kind):
    module = nn.Sequential(stack(), nn.Softmax(dim=1)).eval()
    at = {"stack": module, "inner stack": module[0], "layer": module[0][2],
          "activation": module[0][1]}[place]  # fmt: skip
    handle = getattr(at, kind)(lambda *given: None)
    with pytest.raises(ParameterError, match="hook, which may change what it computes"):
        from_pytorch(module)
    handle.remove()
    np.testing.assert_allclose(from_pytorch(module).output(X), outputs(module), atol=1e-6)


def test_hooks_of_all_modules_are_refused():
    handle = nn.modules.module.register_module_forward_hook(lambda *given: None)
    try:
        with pytest.raises(ParameterError, match="registered for all modules"):
            from_pytorch(stack())
    finally:
        handle.remove()
    from_pytorch(stack())


def test_weights_that_are_computed_are_refused():
    from torch.nn.utils import parametrizations, prune, spectral_norm

    module = stack()
    parametrizations.weight_norm(module[0])
    with pytest.raises(ParameterError, match=r"layer 0 .* has parametrizations of weight"):
        from_pytorch(module)
    module = stack()
    prune.random_unstructured(module[2], "weight", 0.5)
    with pytest.raises(ParameterError, match="layer 2 has a forward pre-hook"):
        from_pytorch(module)
    prune.remove(module[2], "weight")
    np.testing.assert_allclose(from_pytorch(module).output(X), outputs(module), atol=1e-6)
    module = stack()
    spectral_norm(module[0])
    with pytest.raises(ParameterError, match="layer 0 has a forward pre-hook"):
        from_pytorch(module)


def test_a_forward_of_its_own_is_refused():
    class Linear(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    with pytest.raises(ParameterError, match="layer 0 is a Linear with a forward of its own"):
        from_pytorch(nn.Sequential(Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    module = stack()
    module[1].forward = lambda x: -x
    with pytest.raises(ParameterError, match="layer 1 is a ReLU with a forward of its own"):
        from_pytorch(module)


def test_training_mode_and_odd_shapes_are_refused():
    module = stack(nn.Sequential(nn.ReLU(), nn.Dropout(0.5)))
    np.testing.assert_allclose(from_pytorch(module).output(X), outputs(module), atol=1e-6)
    with pytest.raises(ParameterError, match=r"layer 2 is a Dropout in training mode"):
        from_pytorch(module.train())
    with pytest.raises(ParameterError, match="layer 0: Flatten from dimension 0"):
        from_pytorch(nn.Sequential(nn.Flatten(0), nn.Linear(80, 1)))


def test_a_stack_with_batch_normalisation_is_asked_the_same():
    from bridge.errors import ConversionError
    from bridge.mapping.accepted_networks import validate

    def normed():
        return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))

    validate(normed().eval())
    with pytest.raises(ConversionError, match="BatchNorm1d in training mode"):
        validate(normed().train())
    for k in (0, 1, 2):
        module = normed().eval()
        module[k].register_forward_hook(lambda *given: None)
        with pytest.raises(ConversionError, match=f"layer {k} has a forward hook"):
            validate(module)
