"""Where a gradient update begins and ends, and which tensors it carries on to the next: by lineage alone, whatever they are called."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import dropwhile, pairwise, takewhile
from typing import Any

from bpdebug.recorder.graph import Node
from bpdebug.recorder.hooks import Hooks
from bpdebug.recorder.lineage import EVEN, HOPS, SCALING, THROUGH, Carried, Lineage, ancestors, is_array, is_real
from bpdebug.recorder.rewrites import changed

_BEST = 2
"""The rank of a loop that learns what was there before; 1 that of one which learns what a turn of an outer one has made."""
_RUNS = 10
"""Runs of the same loop that are looked at: one within a neuron or a sample runs thousands of times."""


class Update:
    """One update: the nodes from ``start`` to ``end``, and what they carry on; of a single one, the run of its loop."""

    def __init__(self, start: int, end: int, carried: Carried, run: int = 0) -> None:
        self.start, self.end, self.carried, self.run = start, end, carried, run


def find_updates(hooks: Hooks, stopped: bool = False) -> list[Update]:
    """The complete updates of the run, none where no loop carries a tensor on.

    Args:
        hooks: the recording.
        stopped: whether the run came to no end of its own; then what the first turn of a loop carries on will do.
    """
    spans, parents, begins = _spans(hooks), dict[int, tuple[int, ...]](), dict[int, int]()
    site = dict[int, int]()
    for loops, count in hooks.iterations:
        if (run := loops[-1][1]) not in parents:
            parents[run], begins[run], site[run] = tuple(above for _, above, _ in loops), count, loops[-1][0]
    if hooks.asked:
        spans = {run: turns for run, turns in spans.items() if is_at(hooks.asked, *hooks.sites[site[run]][:2])}
    looked = Counter[int]()
    looked_at = {run for run in sorted(spans) if not looked.update((site[run],)) and looked[site[run]] <= _RUNS}
    within = {run: (parents[run], begins.get(parents[run][0], 0)) for run in looked_at}
    lineage, replacing = (Lineage(hooks.graph.nodes, either) for either in (False, True))
    tried = ((lineage, is_array), (lineage, is_real), (replacing, is_array))
    lineage, found = next(((way, one) for way, counts in tried if (one := _chosen(way, spans, within, counts))), (lineage, None))
    if not found:
        return [*(_begun(lineage, spans, parents) if stopped else ())] or [*(_meant(hooks, spans, parents) if stopped else ())]
    chosen, best = found
    outer = parents[chosen][:1]
    runs = [run for run in sorted(spans) if site[run] == site[chosen] and parents[run][:1] == outer]
    return _complete(lineage, [span for run in runs for span in spans[run]], best)


def is_passing(hooks: Hooks, updates: list[Update], patient: bool) -> bool:
    """Whether updates learn nothing, such as a loop that prepares data or adds up what comes back to an image. Or carry on nothing but what
    the outermost loop that runs has made, such as sums over time steps: its own turns may be the updates, once there are two of them;
    that is waited for only if one is patient."""
    lineage, run = Lineage(hooks.graph.nodes), hooks.iterations[-1][0][0][1]
    begin = next(count for loops, count in hooks.iterations if loops[0][1] == run)
    carried = updates[0].carried if updates else {}
    return bool(carried) and ((patient and _is_made_within(lineage, begin, carried)) or not _learns(updates[0].start, carried))


def _is_made_within(lineage: Lineage, begin: int, carried: Carried) -> bool:
    """Whether a turn has made all that is carried on, such as the state of a game or a sum over time steps."""

    def is_new(node: Node | None) -> bool:
        for _ in range(HOPS):
            if node is None or node.number < begin or not node.operation:
                break
            node = lineage.before(node)
        return node is None

    return all(map(is_new, _main(carried)))


def _learns(start: int, carried: Carried) -> bool:
    """Whether the step of a tensor depends on it, so that it is read twice, as no sum is; and on other arrays, unlike what is scaled."""
    arrays = any(map(is_array, carried))
    for old, new in carried.items():
        nodes = {*ancestors([new], start)}
        reads = [node for node in nodes if node.number >= start and old in node.parents()]
        twice = sum(1 for node in reads if node.operation != "put" or old is not node.arguments[0]) > 1
        if twice and (not arrays or any(_given(nodes, start, carried))):
            return True
    return False


def _given(nodes: set[Node], start: int, carried: Carried) -> Iterator[Node]:
    """The arrays among the ancestors of a next version that are made of nothing that is carried on, such as a one-hot row, but for those
    that are the same number in each cell."""
    dependent = {*carried}
    for node in sorted(nodes, key=lambda node: node.number):
        if not dependent.isdisjoint(node.parents()):
            dependent.add(node)
        elif is_array(node) and node not in carried and (node.number < start or node.operation not in EVEN):
            yield node


def is_at(asked: str, file: str, line: int) -> bool:
    """Whether a line is the one that is asked for, ``net.py:30`` or ``30``."""
    name, _, number = asked.rpartition(":")
    return number == str(line) and (not name or f"/{file}".endswith(f"/{name}"))


def _begun(lineage: Lineage, spans: dict[int, list[tuple[int, int]]], parents: dict[int, tuple[int, ...]]) -> Iterator[Update]:
    """The first turn, perhaps not complete, of the outermost loop in which arrays from before have a next version."""
    for run in sorted(spans, key=lambda run: (len(parents[run]), run)):
        for start, end in spans[run][:1]:
            update = Update(start, end, {old: new for old, new in lineage.carried(start, end).items() if _is_kept(old, new)}, run)
            if any(map(is_array, update.carried)):
                update.carried = living(lineage, update)
                yield update
                return


def _is_kept(old: Node, new: Node) -> bool:
    """Whether a next version stands where the old one stood: a gradient with a penalty on a weight is no weight."""
    return not new.slots or not old.slots or not {slot for slot, _, _ in old.slots}.isdisjoint(slot for slot, _, _ in new.slots)


def _meant(hooks: Hooks, spans: dict[int, list[tuple[int, int]]], parents: dict[int, tuple[int, ...]]) -> Iterator[Update]:
    """The first turn, not complete, of the outermost loop that reads arrays which the source would change further below."""
    later = [re.compile(pattern) for _, source in hooks.files.values() for pattern in changed(source)]
    for run in sorted(spans, key=lambda run: (len(parents[run]), run)):
        for start, end in spans[run][:1]:
            read = {parent: None for node in hooks.graph.nodes[start:end] for parent in node.parents() if parent.number < start}
            kept = [node for node in read if is_array(node) and is_real(node) and any(_is_called(node, one) for one in later)]
            if kept:
                yield Update(start, end, {node: node for node in kept}, run)
                return


def _is_called(node: Node, pattern: re.Pattern[str]) -> bool:
    return any(pattern.fullmatch(slot[1].replace("\0", ".")) for slot, _, _ in node.slots)


def _chosen(
    lineage: Lineage, spans: dict[int, list[tuple[int, int]]], runs: dict[int, tuple[tuple[int, ...], int]], counts: Callable[[Node], bool]
) -> tuple[int, Carried] | None:
    """The innermost run of a loop that carries what the outermost one that learns does; None where none carries anything that counts.

    Args:
        lineage: of all nodes.
        spans: the turns of each run.
        runs: those that each is in, the outermost first, and the first node of that one.
        counts: what is looked at.
    """
    chosen, best, rank = 0, dict[Node, Node](), 0
    for run, (above, begin) in sorted(runs.items(), key=lambda one: (len(one[1][0]), one[0])):
        if len(spans[run]) < 2 or (rank == _BEST and chosen not in above):
            continue
        found = _crossing(lineage, spans[run][:3])
        if not any(counts(old) and not lineage.is_replaced(new) for old, new in found.items()):
            spans[run] = _gathered(lineage, spans[run])
            found = _crossing(lineage, spans[run][:3])
        if not _learns(spans[run][0][0], found):
            spans[run] = _learning(lineage, spans[run])
            found = _crossing(lineage, spans[run][:3])
        if not any(map(counts, found)):
            continue
        if not chosen or chosen not in above:
            now = _learns(spans[run][0][0], found) and _BEST - _is_made_within(lineage, begin, found)
            if now > rank or not chosen:
                chosen, best, rank = run, found, now
            continue
        alike = len(_texts(found) & _texts(best)) >= 0.6 * len(_texts(best))
        turn = next((span for span in spans[chosen] if span[0] <= spans[run][0][0] < span[1]), (0, 0))
        if alike and not _is_reset(lineage, found, best) and not _is_fed(lineage, turn[0], spans[run], best):
            chosen, best = run, found
    return (chosen, best) if chosen else None


def _learning(lineage: Lineage, turns: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The turns in which something learns, as where a memory has to be filled before, or some steps are taken before each update; all where
    there are not two."""
    found = [span for span in turns if _learns(span[0], lineage.changed(*span))]
    return found if len(found) > 1 else turns


def _spans(hooks: Hooks) -> dict[int, list[tuple[int, int]]]:
    """The complete turns of each run of a loop, from node to node."""
    starts = defaultdict[int, list[int]](list)
    for loops, count in hooks.iterations:
        starts[loops[-1][1]].append(count)
    for run, count in hooks.ends:
        if run in starts:  # it had a turn
            starts[run].append(count)
    return {run: [*pairwise(counts)] for run, counts in starts.items()}


def _crossing(lineage: Lineage, spans: list[tuple[int, int]]) -> Carried:
    """What goes through two turns in a row and was there before the first; or is a number that the first has made of a whole one."""
    found: Carried = {}
    turns = [lineage.changed(*span) for span in spans]
    for one, other in pairwise(turns):
        found |= {old: new for old, new in one.items() if new in other or (old in other and not old.operation)}
    before = {old for old in found if old.number < spans[0][0] or not old.operation or old in turns[0].values()}
    return {old: new for old, new in found.items() if old in before or not is_array(old)}


def _gathered(lineage: Lineage, turns: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Turns in groups, each of which ends with one that changes what changes most often of the arrays that were there before the first and
    go on changing: sums of gradients begin anew after each step, parameters never do. The turns themselves where nothing does."""
    changes, latest = defaultdict[Node, list[int]](list), dict[Node, Node]()
    begin, known = turns[0][0], dict[Node, Node]()
    for place, span in enumerate(turns):
        for old, new in lineage.changed(*span).items():
            root = lineage.first(old, begin, known)
            if is_array(root) and (root.number < begin or not root.operation):
                changes[root].append(place)
                latest[root] = new
    places = max((changes[root] for root, new in latest.items() if not lineage.is_replaced(new)), key=len, default=[])
    return [(turns[one + 1][0], turns[other][1]) for one, other in pairwise([-1, *places])] if places else turns


def _texts(carried: Iterable[Node]) -> set[str]:
    return {slot[1] for node in _main(carried) for slot, _, _ in node.slots[:1]}


def _main(carried: Iterable[Node]) -> list[Node]:
    """The arrays, or where there are none, the numbers."""
    every = [*carried]
    return [*filter(is_array, every)] or every


def _is_reset(lineage: Lineage, inner: Carried, outer: Carried) -> bool:
    """Whether an inner loop only adds up what each turn of the outer one begins anew, of what both carry."""
    ends, both = {*outer.values(), *outer}, _texts(outer)
    for old in [old for old in _main(inner) if _texts([old]) <= both]:
        one: Node | None = old
        for _ in range(HOPS):
            if one is None or one in ends:
                break
            one = lineage.before(one)
        if one is None:
            return True
    return False


def _is_fed(lineage: Lineage, start: int, turns: list[tuple[int, int]], outer: Carried) -> bool:
    """Whether the turns of an inner loop read what a turn of the outer one has computed before them of what it carries."""
    begin, second = turns[0][0], turns[1]
    versions = {*outer, *outer.values(), *lineage.carried(start, begin).values()}
    dependent = set(versions)
    for node in lineage.nodes[start:begin]:
        if not dependent.isdisjoint(node.parents()):
            dependent.add(node)
    dependent -= versions
    return any(not dependent.isdisjoint(node.parents()) for node in lineage.nodes[second[0] : second[1]])


def _complete(lineage: Lineage, spans: list[tuple[int, int]], best: Carried) -> list[Update]:
    names = {slot for node in (*best, *best.values(), *_late(lineage, spans)) for slot, _, _ in node.slots}
    found = [Update(start, end, same(lineage.carried(start, end), names)) for start, end in spans]
    found = [*dropwhile(lambda update: not update.carried, found)]  # all of it was whole numbers at first
    found = [*dropwhile(lambda update: not _learns(update.start, update.carried), found)] or found
    first = found[0]
    if first.carried and not _reads_first(lineage.nodes, first):  # the forward pass stands at the end of the loop
        cuts = [max(new.number for new in update.carried.values()) + 1 for update in found if update.carried]
        found = [Update(start, end, same(lineage.carried(start, end), names)) for start, end in pairwise(cuts)]
    complete = [*takewhile(lambda update: len(update.carried) >= max(1, len(found[0].carried)), found)]
    for update in complete:
        update.carried = living(lineage, update)
    return complete


def _late(lineage: Lineage, spans: list[tuple[int, int]]) -> Iterator[Node]:
    """The arrays that the first update makes and those after it carry on, such as a velocity that is 0 until there is one."""
    turns = [lineage.changed(*span) for span in spans[1:3]]
    for old, new in turns[0].items() if len(turns) > 1 else ():
        if is_array(old) and old.number >= spans[0][0] and new in turns[1]:
            yield from (old, new)


def same(carried: Carried, names: set[Any]) -> Carried:
    """Those that have some of these names."""
    return {old: new for old, new in carried.items() if any(slot in names for slot, _, _ in new.slots)}


def _reads_first(nodes: list[Node], update: Update) -> bool:
    """Whether an array is read by something else than its own update before the first of them is written."""
    arrays = {old for old in update.carried if is_array(old)}
    first = min((update.carried[old].number for old in arrays), default=update.end)
    own = SCALING | THROUGH
    return any(parent in arrays for node in nodes[update.start : first] if node.operation not in own for parent in node.parents())


def living(lineage: Lineage, update: Update) -> Carried:
    """Arrays, and single numbers on which the next version of an array depends; of single numbers alone those that are no mere sums. And
    what is replaced."""
    nodes, replaced = lineage.nodes, lineage.replaced(update.start, update.end, update.carried)
    arrays = {old: new for old, new in update.carried.items() if is_array(old)}
    if not arrays:
        reads = Counter(parent for node in nodes[update.start : update.end] for parent in {*node.parents()})
        sums = {old for old, new in update.carried.items() if reads[old] < 2 and new.operation == "+" and old in new.arguments}
        return ({old: new for old, new in update.carried.items() if old not in sums} or update.carried) | replaced
    needed = {*ancestors(arrays.values(), update.start)}
    return {old: new for old, new in update.carried.items() if old in arrays or old in needed} | replaced


__all__ = ["Update", "find_updates", "is_passing", "living", "same"]
