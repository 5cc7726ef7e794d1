"""The network, its weights and its files; needs torch."""

from nimblepose.core.errors import BackendUnavailable

try:
    # Asked for here once, so that every module of this room may take them as given.
    import safetensors as _safetensors  # noqa: F401
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise BackendUnavailable(
        f"networks and checkpoints need torch and safetensors ({error}): pip install 'nimblepose[train]'"
    ) from error
