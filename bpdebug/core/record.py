"""Named values that are made once and never changed: a frozen dataclass without its price at import.

``dataclasses`` writes and compiles six functions a class, 0.4 ms each time, which for the hundred classes of a start is longer
than anything else that our modules do. Here all is shared but the constructor, and that is written when the first instance is made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field
from inspect import get_annotations
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, cast, dataclass_transform

Made = TypeVar("Made")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Record:
    """What a class with annotated fields derives from; ``eq=False`` compares by identity, as is right for what holds arrays.

    Attributes:
        record_fields: the names of the fields, those of the class above first.
    """

    record_fields: ClassVar[tuple[str, ...]] = ()
    _values: ClassVar[Callable[[Any], Any]]

    def __init_subclass__(cls, eq: bool = True) -> None:
        cls.record_fields = tuple(dict.fromkeys([*cls.record_fields, *get_annotations(cls)]))
        compared = [name for name in cls.record_fields if getattr(getattr(cls, name, None), "compare", True)]
        cls._values = attrgetter(*compared or ["__class__"])
        cls.__init__ = _first  # type: ignore[assignment, method-assign]
        if not eq:
            cls.__eq__, cls.__hash__ = object.__eq__, object.__hash__  # type: ignore[method-assign]

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"{type(self).__name__}.{name} is fixed")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"{type(self).__name__}.{name} is fixed")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(type(self)._values(self) == type(self)._values(other))

    def __hash__(self) -> int:
        return hash(type(self)._values(self))

    def __repr__(self) -> str:
        shown = (name for name in self.record_fields if getattr(getattr(type(self), name, None), "repr", True))
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def values_of(made: Record) -> dict[str, Any]:
    """The fields by name."""
    return {name: getattr(made, name) for name in made.record_fields}


def replace(made: Made, **changes: Any) -> Made:
    """The same, a record or a node of a formula, with other values in some fields."""
    if not isinstance(made, Record):
        return cast(Made, dataclasses.replace(cast(Any, made), **changes))
    return type(made)(**values_of(made) | changes)


def _first(self: Record, *values: Any, **named: Any) -> None:
    """Write the constructor of a class, and go on with it."""
    made, scope = type(self), dict[str, Any](_missing_=MISSING)
    places, keywords, filled = ["self"], list[str](), list[str]()
    for name in made.record_fields:
        given = getattr(made, name, MISSING)
        asked: Field[Any] = given if isinstance(given, Field) else field(default=cast(Any, given))
        value, default = name, asked.default
        if asked.default_factory is not MISSING:
            scope[f"make_{name}"], default = asked.default_factory, MISSING
            value = f"make_{name}() if {name} is _missing_ else {name}"
        optional = default is not MISSING or value != name
        scope[f"usual_{name}"] = default
        (keywords if asked.kw_only is True else places).append(f"{name}=usual_{name}" if optional else name)
        filled.append(f"{name}={value}")
    parameters = ", ".join([*places, *(["*", *keywords] if keywords else [])])
    exec(f"def __init__({parameters}):\n    self.__dict__.update({', '.join(filled)})", scope)
    made.__init__ = scope["__init__"]  # type: ignore[method-assign]
    made.__init__(self, *values, **named)
