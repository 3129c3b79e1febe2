"""What the rewritten code calls: each hook does what the code did, and notes it."""

from __future__ import annotations

import builtins
import copy
import operator
import types
from typing import Any

import numpy as np

from bpdebug.recorder.cells import by_cell, of_cells
from bpdebug.recorder.graph import ARRAYS, NUMERIC, Array, Level, Slot, is_followed, is_fresh
from bpdebug.recorder.keys import KEYS, WHOLE, counted_once
from bpdebug.recorder.minimised import descend
from bpdebug.recorder.run import Run
from bpdebug.recorder.trees import HOOKS

_NAMES = "Add + add Sub - sub Mult * mul Div / truediv Pow ** pow MatMult @ matmul FloorDiv // floordiv Mod % mod BitAnd & and_ BitOr | or_"
_NAMES += " BitXor ^ xor LShift << lshift RShift >> rshift Lt < lt LtE <= le Gt > gt GtE >= ge Eq == eq NotEq != ne"
_WORDS = _NAMES.split()
_SIGNS = {name: (sign, getattr(operator, word)) for name, sign, word in zip(*(_WORDS[n::3] for n in range(3)), strict=True)}
_SIGNS |= {"USub": ("neg", operator.neg), "UAdd": ("pos", operator.pos), "Invert": ("invert", operator.invert)}
_IN_PLACE = {name: getattr(operator, f"i{word.rstrip('_')}", None) for name, word in zip(_WORDS[::3], _WORDS[2::3], strict=True)}
_NUMBERS: dict[Any, str] = {abs: "abs", float: "float", builtins.sum: "added", max: "largest", min: "least", pow: "**"}
"""Python's own functions of numbers."""
_COPIED = (copy.copy, copy.deepcopy)
_CHANGING = ("sort", "resize", "put", "partition")
_CHANGED = ("shuffle", "copyto", "fill_diagonal", "put", "place", "put_along_axis")
_BUILT_IN, _HOLDING, _TELLING = (type, types.BuiltinFunctionType), (dict, list, tuple), (int, str, np.integer)
_DRAWING, _STANDING = (types.ModuleType, np.random.Generator, np.random.RandomState), (types.ModuleType, type, types.FunctionType)
_SAID = 20
"""Characters of a text that tells the turn of a loop."""


class Hooks(Run):
    """The hooks of one run."""

    # expressions

    def op(self, site: int, name: str, *operands: Any) -> Any:
        """An operator."""
        sign, run = _SIGNS[name]
        value, graph = run(*operands), self.graph
        if type(value) is np.ndarray:
            if value.dtype.kind == "O":
                return self._each_of(value, lambda *parts: self.op(site, name, *parts), operands)
            if value.ndim == 2 and value.shape[0] == value.shape[1] > 1 and len(operands) == 2:
                self._look(site, value, *operands)
        elif not isinstance(value, NUMERIC) or not graph.follows(*operands):
            return value
        sign = "@" if name == "Mult" and isinstance(value, np.matrix) and all(map(np.ndim, operands)) else sign
        graph.add(sign, tuple([graph.of(one) for one in operands]), value, site)
        return value

    def transposed(self, site: int, owner: Any) -> Any:
        """``.T``."""
        value = owner.T
        return self.made(".T", site, value, owner) if isinstance(owner, np.ndarray) and value is not owner else value

    def item(self, site: int, owner: Any, key: Any) -> Any:
        """A subscript."""
        value = owner[key]
        if isinstance(owner, np.ndarray) and owner.dtype.kind == "O":
            return value
        if owner is np.c_ or owner is np.r_:
            return self.made("column_stack" if owner is np.c_ else "hstack", site, value, key)
        if isinstance(owner, np.matrix) and isinstance(value, np.matrix):
            key = tuple(slice(one, one + 1 or None) if isinstance(one, int) else one for one in (key if isinstance(key, tuple) else (key,)))
        return self.made("[]", site, value, owner, key) if isinstance(owner, np.ndarray) and isinstance(value, ARRAYS) else value

    def call(self, site: int, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
        """A call by name."""
        module, _, within = str(getattr(function, "__module__", "")).partition(".")
        if isinstance(function, np.vectorize):
            return by_cell(self, site, function, arguments, keywords)
        function = of_cells(function, arguments)
        if isinstance(function, np.ufunc) or module == "numpy":
            return self._numpy(site, function, getattr(function, "__name__", "?"), arguments, keywords)
        if module == "scipy" and within.startswith("optimize"):
            descend(self, site, function, arguments, keywords)
        if function is builtins.sum and arguments and isinstance(arguments[0], types.GeneratorType):
            arguments = [*arguments[0]], *arguments[1:]
        if function is zip or function is enumerate:
            arguments = tuple(self._each(site, one) for one in arguments)
        value = function(*arguments, **keywords) if module in ("builtins", "None") else self._entered(site, function, arguments, keywords)
        name = _NUMBERS.get(function) if isinstance(function, _BUILT_IN) else "copy" if function in _COPIED else None
        name = str(function.__name__) if module in ("math", "scipy") else name
        new = isinstance(value, NUMERIC) and not any(value is one for one in arguments)
        if new and self.graph.follows(*arguments) and (name or self.graph.known(value) is None):
            self.made(name or f"call:{getattr(function, '__name__', '?')}", site, value, *arguments, **keywords)
        return value

    def _entered(self, site: int, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Call what may be a function of the user's: what it computes is a level further in."""
        arguments = tuple([self.anew(one) if type(one) is float and not self.graph.known(one) else one for one in arguments])
        self._received(site, function, arguments, keywords)
        above, self._count = self.graph.level, self._count + 1
        self.graph.level = Level(above, site, f"{getattr(function, '__name__', type(function).__name__)}()", self._count)
        try:
            return function(*arguments, **keywords)
        finally:
            self.graph.level = above

    def _received(self, site: int, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """What a call makes for a function, as in ``train(np.zeros(3), 0.0, X)``, has the name that the function gives it."""
        function, begin = getattr(function, "__func__", function), hasattr(function, "__func__")
        if HOOKS not in getattr(getattr(function, "__init__", None) if isinstance(function, type) else function, "__globals__", ()):
            return  # not the user's: a library's word for it, such as default=, is none of his
        code = getattr(function, "__code__", None)
        names = code.co_varnames[begin : code.co_argcount] if code else ()
        for name, value in (*zip(names, arguments, strict=False), *keywords.items()):
            node = self.graph.known(value)
            if (node is None and type(value) is float) or (node and is_fresh(node)):
                self._named(site, (0, name), value, False)

    def method(self, site: int, owner: Any, name: str, /, *arguments: Any, **keywords: Any) -> Any:
        """A call of an attribute."""
        if owner is np or isinstance(owner, _DRAWING):
            module = "numpy" if owner is np else getattr(owner, "__name__", "numpy.random")
            if module.partition(".")[0] == "numpy":
                return self._numpy(site, getattr(owner, name), f"{module[6:]}.{name}".removeprefix("."), arguments, keywords)
            if module == "math":
                value = of_cells(getattr(owner, name), arguments)(*arguments)
                return self.made(name, site, value, *arguments) if self.graph.follows(*arguments) else value
        elif isinstance(owner, np.ufunc):
            return self._of_ufunc(site, owner, name, arguments, keywords)
        elif isinstance(owner, ARRAYS):
            return self._of_array(site, owner, name, arguments, keywords)
        value = self.call(site, getattr(owner, name), *arguments, **keywords)
        if isinstance(owner, list) and name in ("append", "insert") and id(owner) in self.owners:
            self._appended(site, owner, arguments[-1], len(owner) - 1 if name == "append" else 0)
        return value

    def _of_ufunc(self, site: int, owner: Any, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if name != "at":
            return self._numpy(site, getattr(owner, name), f"{owner.__name__}.{name}", arguments, keywords)
        before = tuple(map(self.graph.of, arguments))
        self.graph.spare(arguments[0])
        owner.at(*arguments)
        self.graph.changed(arguments[0], "add_at" if owner is np.add else f"call:{owner.__name__}.at", before, site)
        return None

    def _appended(self, site: int, owner: list[Any], value: Any, place: int) -> None:
        if self.graph.follows(value) or hasattr(value, "__dict__"):
            for _, (holder, text) in self.owners[id(owner)][-2:]:
                self._named(site, (holder, f"{text}[{place}]"), value, False)

    def _of_array(self, site: int, owner: Any, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if name == "fill":
            return self.put(site, "", owner, ..., *arguments)
        before = tuple(map(self.graph.of, (owner, *arguments)))
        if name in _CHANGING:
            self.graph.spare(owner)
        value = getattr(owner, name)(*arguments, **keywords)
        if name in _CHANGING:
            self.graph.changed(owner, f"call:{name}", before, site)
        elif value is not owner and isinstance(value, NUMERIC):
            self.graph.add(f".{name}", before, value, site, {key: self.graph.of(one) for key, one in keywords.items()})
        return value

    def _numpy(self, site: int, function: Any, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        given = tuple(map(self.graph.of, arguments))
        named = {key: self.graph.of(one) for key, one in keywords.items() if key != "out"} if keywords else keywords
        along = KEYS[name](*arguments, **keywords) if name in KEYS else ()
        key = tuple(map(self.graph.of, (along, *arguments[1 if name in WHOLE else 2 :][:1])))  # before it is done
        for one in (keywords.get("out"), *(arguments[:1] if along or name.rpartition(".")[2] in _CHANGED else ())):
            if isinstance(one, np.ndarray):
                self.graph.spare(one)
        value, out = function(*arguments, **keywords), keywords.get("out")
        if along and value is None:
            self.graph.changed(arguments[0], "put", (given[0], *key), site)
        elif along:
            self.made("[]", site, value, arguments[0], along)
        elif name.rpartition(".")[2] in _CHANGED:
            if arguments and isinstance(arguments[0], np.ndarray):
                self.graph.changed(arguments[0], f"call:{name}", given, site)
        elif isinstance(out, np.ndarray):
            self.graph.changed(out, name, given, site).keywords = named
        elif is_followed(value) and not any(value is one for one in arguments):
            self.graph.add(name, given, value, site, named)
        elif isinstance(value, tuple | list):
            for place, part in enumerate(value):
                if isinstance(part, ARRAYS):
                    self.graph.add(f"{name}#{place}", given, part, site, named)
        return value

    # statements

    def named(self, site: int, text: str, value: Any) -> None:
        """A name was bound."""
        self._named(site, (0, text), value, False)
        if not self.sites[site][2] and (isinstance(value, np.ndarray | list | dict) or hasattr(value, "__dict__")):
            self.top.add(text)

    def anew(self, value: Any) -> Any:
        """A number, or each one in a list, as an object of its own."""
        if type(value) is list:
            value[:] = [one if self.graph.known(one) else self.anew(one) for one in value]
        return operator.neg(-value) if type(value) is float else value

    def bound(self, site: int, text: str, value: Any) -> Any:
        """``(name := value)``."""
        self.named(site, text, value)
        return value

    def visited(self, site: int, text: str, value: Any) -> None:
        """A loop variable was bound; a number or a text tells the turn."""
        level = self.graph.level
        if level and level.site == site and not level.said and isinstance(value, _TELLING):
            self.graph.level = level._replace(said=f"{text} = {value if not isinstance(value, str) else repr(value[:_SAID])}")
        self._named(site, (0, text), value, True)

    def attribute(self, site: int, text: str, owner: Any, value: Any) -> None:
        """An attribute was assigned."""
        if isinstance(owner, np.ndarray):
            self.reshaped(site, text, owner)
            return
        self._own(owner, (0, text.rpartition(".")[0]), False)
        self._named(site, (id(owner), "\0".join(text.rsplit(".", 1))), value, False)

    def set(self, site: int, text: str, owner: Any, name: str, value: Any) -> None:
        """``setattr(owner, name, value)``."""
        setattr(owner, name, value)
        self.attribute(site, f"{text}.{name}", owner, value)

    def returned(self, site: int, name: str, value: Any) -> None:
        """A function gives back what another one has computed."""
        node = self.graph.known(value)
        if node and node.slots and self.sites[node.site][2] != self.sites[site][2]:
            self.graph.renamed.setdefault(node.number, []).append((name, site, len(self.graph.nodes)))

    def _named(self, site: int, slot: Slot, value: Any, visited: bool, depth: int = 0) -> None:
        if is_followed(value):
            if type(value) is float and self.graph.known(value) is None:
                self.graph.add("", (), value, site)
            node = self.graph.of(value)
            if hasattr(node, "slots"):
                self.graph.keep(node)
                if not node.slots or all(one < 0 for _, one, _ in node.slots):
                    node.level = self.graph.level
                if node.slots and not (visited or depth) and slot[1] not in [name for (_, name), _, _ in node.slots]:
                    told = slot[1].replace("\0", "."), site, len(self.graph.nodes)
                    self.graph.renamed.setdefault(node.number, []).append(told)
                node.slots.append((slot, site, visited))
        elif depth < 2 and (isinstance(value, _HOLDING) or np.ndim(value) == 1) and len(value) < 200:
            self._own(value, slot, visited)
            for key, one in value.items() if isinstance(value, dict) else enumerate(value):
                owner, held = slot if not isinstance(one, NUMERIC) else (0, slot[1].replace("\0", "."))  # as where one item is assigned
                self._named(site, (owner, f"{held}[{key!r}]"), one, visited, depth + 1)
        elif hasattr(value, "__dict__") and not isinstance(value, _STANDING):
            self._own(value, slot, visited)

    def _own(self, value: Any, slot: Slot, visited: bool) -> None:
        known = self.owners.setdefault(id(value), []) if self.update < 0 else []
        if not visited and (value, slot) not in [(one, other) for one, other in known[:5] if one is value]:
            known.append((value, slot))

    def kept(self, site: int, text: str, base: Any, key: Any) -> None:
        """An item of something was assigned, among other targets."""
        if not isinstance(base, np.ndarray):
            self._named(site, self._place(text, base, key), base[key], False)

    def put(self, site: int, text: str, base: Any, key: Any, value: Any) -> None:
        """``base[key] = value``."""
        if isinstance(base, np.ndarray) and base.dtype != object:
            before = self._before(base), self.graph.of(key), self.graph.of(value)
            self.graph.spare(base, key)
            base[key] = value
            self.graph.changed(base, "put", before, site)
        else:
            base[key] = value
            if isinstance(key, int | str | tuple):
                self._named(site, self._place(text, base, key), value, False)

    def _before(self, base: Array) -> Any:
        return self.graph.known(base) or self.graph.of(base)

    def put_more(self, site: int, text: str, name: str, base: Any, key: Any, value: Any) -> None:
        """``base[key] += value``."""
        if isinstance(base, np.ndarray) and base.dtype != object:
            rows, part = counted_once(key, value), base[key]
            before, place = self._before(base), self.graph.of(key[rows] if rows else key)
            more = self.graph.of(self.made("[]", site, value[rows], value, rows) if rows else value)
            self.graph.spare(base, key)
            base[key] = _IN_PLACE[name](part, value)  # type: ignore[misc]
            self.graph.changed(base, f"put{_SIGNS[name][0]}", (before, place, more), site)
            return
        value = self.more(site, name, base[key], value)
        base[key] = value
        self._named(site, self._place(text, base, key), value, False)

    def _place(self, text: str, base: Any, key: Any) -> Slot:
        """Where an item is kept: of a list within another one, ``W[j]``, under the name that this one had there."""
        known = [slot for one, slot in self.owners.get(id(base), ()) if one is base] if "[" in text else ()
        holder, name = known[0] if known else (0, text)
        return holder, f"{name}[{key!r}]"

    def more(self, site: int, name: str, target: Any, value: Any) -> Any:
        """``target += value``."""
        if isinstance(target, np.ndarray) and target.dtype.kind == "O":
            target[...] = self.op(site, name, target, value)
            return target
        sign, operands = _SIGNS[name][0], (self.graph.of(target), self.graph.of(value))
        follows = self.graph.follows(target, value)
        if isinstance(target, np.ndarray):
            self.graph.spare(target)
        made = _IN_PLACE[name](target, value)  # type: ignore[misc]
        if isinstance(made, np.ndarray) and made is target:
            self.graph.changed(made, sign, operands, site)
        elif isinstance(made, NUMERIC) and follows:
            self.graph.add(sign, operands, made, site)
        return made
