"""A run of training: a rate that ends with its time, averaged weights, a state that survives a kill."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

SAVE_SECONDS = 150.0


class Run:
    """Trains some weights for a number of minutes, counted over all the times it was started."""

    def __init__(
        self,
        weights: Sequence[nn.Parameter],
        state: Path,
        minutes: float,
        rate: float,
        average: float = 0.998,
    ) -> None:
        """`state` is resumed from if it exists. `average`: how slowly the averaged weights follow."""
        self.weights, self.state, self.seconds, self.rate, self.average = (
            list(weights),
            state,
            minutes * 60,
            rate,
            average,
        )
        self.optimizer = torch.optim.AdamW(
            self.weights, lr=rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
        )
        self.averaged = [weight.detach().clone() for weight in self.weights]
        self.step, self.used, self.loss = 0, 0.0, math.nan
        if state.exists():
            self._resume()

    def _resume(self) -> None:
        saved = torch.load(self.state)
        self.step, self.used, self.loss = saved["step"], saved["used"], saved["loss"]
        self.optimizer.load_state_dict(saved["optimizer"])
        with torch.no_grad():
            for kept, value in zip((*self.weights, *self.averaged), saved["weights"], strict=True):
                kept.copy_(value)

    def save(self) -> None:
        """Write everything that a later start needs."""
        self.state.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.state.with_suffix(".part")
        weights = [*(weight.detach() for weight in self.weights), *self.averaged]
        state = {"optimizer": self.optimizer.state_dict(), "weights": weights}
        torch.save(state | {"step": self.step, "used": self.used, "loss": self.loss}, unfinished)
        unfinished.rename(self.state)

    def train(self, one_loss: Callable[[], Tensor], report: Callable[[str], None]) -> None:
        """Step until the time is used up, then save."""
        saved = then = time.monotonic()
        while self.used < self.seconds:
            self.advance(one_loss())
            now = time.monotonic()
            self.used, then = self.used + now - then, now
            if self.step % 25 == 0:
                report(f"{self.step} {self.used:.0f}s loss {self.loss:.4f} rate {self.rate_now():.1e}")
            if now - saved > SAVE_SECONDS:
                self.save()
                saved = now
        self.save()

    def rate_now(self) -> float:
        """The learning rate: a short rise, then a cosine that ends with the time."""
        part = min(1.0, self.used / self.seconds)
        rise = min(1.0, (self.step + 1) / 60)
        return self.rate * rise * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * part)))

    def advance(self, loss: Tensor) -> None:
        """One step of the optimizer."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate_now()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.step += 1
        follow = 1 - min(self.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.averaged, [weight.detach() for weight in self.weights], follow)
        now = loss.item()
        self.loss = now if math.isnan(self.loss) else 0.98 * self.loss + 0.02 * now

    @torch.no_grad()
    def use_averaged(self) -> None:
        """Put the averaged weights into the networks."""
        for weight, value in zip(self.weights, self.averaged, strict=True):
            weight.copy_(value)
