"""The newest loss in numbers, and what has changed in it."""

from __future__ import annotations

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line, line, width


def points(view: View) -> tuple[Array, Array]:
    """The known losses, with the present one where it is newer."""
    updates, losses = view.losses
    if view.loss is not None and (not len(updates) or view.position.update > updates[-1]):
        updates, losses = np.append(updates, view.position.update), np.append(losses, view.loss)
    return updates, losses


def newest(view: View) -> int:
    """The update of the newest loss that is known at the present moment; -1 before there is one."""
    return view.position.update - (view.loss is None)


def numbers_line(view: View, log: bool, columns: int) -> Line:
    """The newest loss and what has changed in it, as much as there is room for."""
    updates, losses = points(view)
    place = int(np.searchsorted(updates, newest(view), side="right")) - 1
    if place < 0:
        return line(("at the start of the training", "dim"))
    loss = float(losses[place]) if view.loss is None else view.loss
    update = (f"update {int(updates[place])}  ", "dim")
    known = line(("loss ", "dim"), (short(loss, 5), "bold" if np.isfinite(loss) else "bad"))
    change, share, over = _of_epochs(view) if view.position.batches > 1 else _of_updates(updates, losses, place, loss)
    scale = line(("  log scale", "faint")) if log else line()
    if view.loss_scale == "log" and not log:
        scale = line(("  no log scale: not all losses are above 0", "next"))
    numbers = (*known, *change, *share, *over)
    brief = [((change[0][0].strip() + " ", change[0][1]), *change[1:], *share)] if share and view.position.batches > 1 else []
    ways = ((update, *numbers, *scale), (update, *numbers), numbers, (*known, *change, *share), *brief, (*known, *change))
    return next((way for way in ways if width(way) <= columns), known)


def _of_updates(updates: Array, losses: Array, place: int, loss: float) -> tuple[Line, Line, Line]:
    """By how much the loss has changed since the one before, by which share, and over how many updates."""
    before, apart = float(losses[max(place - 1, 0)]), int(updates[place] - updates[max(place - 1, 0)])
    change = loss - before
    if not apart or not np.isfinite(change):
        return (), (), ()
    over = ((f" over {apart} updates", "faint"),) if apart > 1 else ()
    return ((f"  {_sign(change)}{short(abs(change), 3)}", _role(change)),), _share(change, before), over


def _of_epochs(view: View) -> tuple[Line, Line, Line]:
    """The mean loss of the last whole epoch, and by which share that differs from the one before: each has seen all samples, while
    two batches differ by what is in them."""
    done = (newest(view) + 1) // view.position.batches
    now, before = (_epoch_mean(view, epoch) for epoch in (done - 1, done - 2))
    if now is None:
        return ((f"  batch {view.position.batch + 1} of {view.position.batches}", "faint"),), (), ()
    mean = ((f"  epoch {done - 1} mean ", "curve"), (short(now, 4), "bold"))
    return (mean, (), ()) if before is None else (mean, _share(now - before, before), ((f" on epoch {done - 2}", "faint"),))


def _epoch_mean(view: View, epoch: int) -> float | None:
    """The mean of the known losses of an epoch; None where it has none, or one that is not finite."""
    updates, losses = points(view)
    own = losses[updates // view.position.batches == epoch] if epoch >= 0 else losses[:0]
    return float(own.mean()) if own.size and np.isfinite(own).all() else None


def _sign(change: float) -> str:
    return "−" if change < 0 else "+" if change > 0 else "±"


def _role(change: float) -> str:
    return "good" if change < 0 else "bad" if change > 0 else "dim"


def _share(change: float, before: float) -> Line:
    """A change in percent of what was before, where that says something."""
    share = abs(change / before) if before else 0.0
    return ((f" ({_sign(change)}{short(100 * share, 2)} %)", _role(change)),) if 1e-5 < share < 100 else ()
