"""The network that tells genres by notes: profiles in, one logit a class out. Floor 3."""

from __future__ import annotations

from torch import Tensor, nn


class SymbolicGenre(nn.Module):
    """Two dense layers. Profiles are not standardised: places that seldom have notes would count as much as others.

    Args:
        classes: number of classes.
        rows: of a profile.
        columns: of a profile.
        hidden: values between the layers.
        dropout: of the profile and before the last layer.

    Example:
        >>> import torch
        >>> SymbolicGenre(classes=8).eval()(torch.rand(2, 46, 48)).shape
        torch.Size([2, 8])
    """

    def __init__(
        self, *, classes: int = 8, rows: int = 46, columns: int = 48, hidden: int = 64, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.arguments = {"classes": classes, "rows": rows, "columns": columns, "hidden": hidden, "dropout": dropout}
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(rows * columns, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        return dict(self.arguments)

    def forward(self, profiles: Tensor) -> Tensor:
        """Classify profiles ``[B, R, C]``: logits ``[B, classes]``."""
        logits: Tensor = self.layers(profiles)
        return logits
