"""The network, its weights and its files; needs torch."""

from nimblepose.core.errors import BackendUnavailable

try:
    import torch as _torch  # noqa: F401 - asked for here once, so that every module of this room may take it as given
except ImportError as error:
    raise BackendUnavailable("networks and checkpoints need torch: pip install 'nimblepose[train]'") from error
