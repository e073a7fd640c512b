"""What comes and goes in a month, so that no account starts or ends it below zero."""

from __future__ import annotations

import numpy as np

from kequn_lab.synth.drafts import Draft

__all__ = ["settle"]

_LEAST = 100  # fen: a payment is never made smaller


def settle(draft: Draft, rest, *, aim, keep=1.0, start=None, end=None):
    """Change free spending so that the account comes near its usual balance.

    Who has too little on the account spends less, who has too much spends more. Past months
    are drawn from the balance at their end, later ones from that at their start.

    Parameters
    ----------
    draft : Draft
        The events of a month.
    rest : ndarray of bool, shape (events,)
        Whether an event takes up what is left over (all free events do for who has no such one).
    aim : ndarray of shape (3, n)
        Usual, least and largest balance in fen.
    keep : float
        Part of the distance to the usual balance that is left at the other end.
    start, end : ndarray of shape (n,)
        Balance in fen at the month's start or end; one of them.

    Returns
    -------
    fen : ndarray of shape (events,)
    missing : ndarray of shape (n,)
        What must still come in (above 0) or go out (below 0) so that no balance is below 0.
    other : ndarray of shape (n,)
        The balance at the other end.

    Examples
    --------
    Who has 10 CNY at the end, was paid 100 and spent 30 would have started at -60: 90 were spent.

    >>> into = np.array([True, False])
    >>> events = {"who": np.zeros(2, int), "fen": np.array([10_000, 3_000]), "into": into,
    ...           "step": np.array([100, 100]), "free": ~into}
    >>> draft = Draft(**{**dict.fromkeys(Draft.__annotations__), **events})
    >>> settle(draft, np.array([False, False]), aim=np.array([[0], [0], [9_000]]),
    ...        end=np.array([1_000]))
    (array([10000,  9000]), array([0]), array([0]))
    """
    n, who, fen, free = aim.shape[1], draft.who, draft.fen, draft.free
    # one sum for each customer and group: free that takes up, other free, in, other out
    group = np.where(free, ~rest, 3 - draft.into) * n + who
    takes, others, came, gone = np.bincount(group, fen, 4 * n).astype(np.int64).reshape(4, n)
    count = np.bincount(group, minlength=4 * n)[: 2 * n].reshape(2, n).sum(axis=0)
    spent, net = takes + others, came - gone
    sign = 1 if start is None else -1  # spending raises the start, lowers the end
    known = end - net if start is None else start + net
    usual, least, most = aim
    wish = np.clip(usual + keep * (known + sign * spent - usual), least, most)
    need = np.maximum(sign * (wish - known), count * _LEAST)
    changed = (count > 0) & (need != spent)
    takes = np.where(need > spent, takes, 0)
    moved = np.flatnonzero(free & changed[who] & (rest | (takes == 0)[who]))
    part = np.where(takes > 0, takes, spent)
    before, step, payer = fen[moved], draft.step[moved], who[moved]
    new = before * ((need - spent + part) / np.maximum(part, 1))[payer]
    # fen are rounded up where the start is looked for, down where the end is
    whole = np.ceil(new / step) if start is None else np.floor(new / step)
    after = np.maximum(whole, 1).astype(np.int64) * step
    fen = fen.copy()
    fen[moved] = after
    spent = spent + np.bincount(payer, after - before, n).astype(np.int64)
    other = known + sign * spent
    missing = np.minimum(other, 0) * sign  # before a month more went out, after it more came in
    return fen, missing, np.maximum(other, 0)
