"""Form parameters: brackets unfolded, then checked against the types shipped with the SDK."""

import types
import typing
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import typing_extensions
from stripe import RequestOptions, StripeContext

from adapters.sandbox.refusals import Refused, invalid

_TRANSPORT = frozenset(RequestOptions.__annotations__)
_NAMES = {"StripeContext": StripeContext, "Mapping": Mapping}


def unfold(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Turn ``lines[0][amount]=5`` into ``{"lines": {"0": {"amount": "5"}}}``.

    >>> unfold([("a", "1"), ("b[x]", "2"), ("b[y]", "3"), ("c[]", "4")])
    {'a': '1', 'b': {'x': '2', 'y': '3'}, 'c': {'0': '4'}}
    """
    tree: dict[str, Any] = {}
    for name, value in pairs:
        path = name.replace("]", "").split("[")
        node = tree
        for part in path[:-1]:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise invalid(f"Invalid object: {name}", name)
            node = child
        leaf = path[-1]
        if leaf == "" and len(path) > 1:
            leaf = str(len(node))
        node[leaf] = value
    return tree


def check(tree: Mapping[str, Any], shape: Any, prefix: str = "") -> dict[str, Any]:
    """Read parameters as the SDK's own parameter type says.

    Raises:
        Refused: a parameter is unknown, missing or of the wrong type.
    """
    hints = _fields(shape)
    for name in tree:
        if name not in hints:
            path = _path(prefix, name)
            raise invalid(f"Received unknown parameter: {path}", path, "parameter_unknown")
    for name in sorted(_required(shape)):
        if name not in tree and name in hints:
            path = _path(prefix, name)
            raise invalid(f"Missing required param: {path}.", path, "parameter_missing")
    return {name: _read(value, hints[name], _path(prefix, name)) for name, value in tree.items()}


@cache
def _fields(shape: Any) -> dict[str, Any]:
    hints = get_type_hints(shape, localns=_NAMES)
    return {name: hint for name, hint in hints.items() if name not in _TRANSPORT}


@cache
def _required(shape: Any) -> frozenset[str]:
    return frozenset(getattr(shape, "__required_keys__", ()))


def _path(prefix: str, name: str) -> str:
    return f"{prefix}[{name}]" if prefix else name


def _read(value: Any, hint: Any, path: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_union(value, get_args(hint), path)
    if origin is Literal:
        return _read_literal(value, get_args(hint), path)
    if origin in (list, typing.Sequence):
        return _read_list(value, get_args(hint)[0], path)
    if _is_mapping(hint):
        if not isinstance(value, dict):
            raise invalid(f"Invalid {path}: must be an object", path)
        return check(value, hint, path) if typing_extensions.is_typeddict(hint) else dict(value)
    return _read_scalar(value, hint, path)


@cache
def _is_mapping(hint: Any) -> bool:
    origin = get_origin(hint)
    mapping = isinstance(origin, type) and issubclass(origin, Mapping)
    return typing_extensions.is_typeddict(hint) or mapping


def _read_union(value: Any, arms: tuple[Any, ...], path: str) -> Any:
    """The first arm that takes the value; the last refusal if none does.

    The SDK lets any string stand beside listed words, for words to come; Stripe does not.
    """
    if any(get_origin(arm) is Literal and any(get_args(arm)) for arm in arms):
        arms = tuple(arm for arm in arms if arm is not str)
    refusal: Refused | None = None
    nested = isinstance(value, dict)
    for arm in arms:
        if arm is type(None) or nested is not _takes_nested(arm):
            continue
        try:
            return _read(value, arm, path)
        except Refused as error:
            refusal = error
    raise refusal or invalid(f"Invalid {path}", path)


@cache
def _takes_nested(arm: Any) -> bool:
    return _is_mapping(arm) or get_origin(arm) is list


def _read_literal(value: Any, allowed: tuple[Any, ...], path: str) -> Any:
    if value in allowed:
        return value
    words = [str(word) for word in allowed if word]
    listed = ", ".join(words[:-1]) + f", or {words[-1]}" if len(words) > 1 else "".join(words)
    raise invalid(f"Invalid {path}: must be one of {listed}", path)


def _read_list(value: Any, item: Any, path: str) -> list[Any]:
    if not isinstance(value, dict) or not all(place.isdecimal() for place in value):
        raise invalid(f"Invalid array: {path}", path)
    places = sorted(value, key=int)
    return [_read(value[place], item, f"{path}[{place}]") for place in places]


def _read_scalar(value: Any, hint: Any, path: str) -> Any:
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {path}", path)
    if hint is bool:
        if value not in ("true", "false"):
            raise invalid(f"Invalid boolean: {value}", path)
        return value == "true"
    if hint is int:
        if not value.removeprefix("-").isdecimal():
            raise invalid(f"Invalid integer: {value}", path, "parameter_invalid_integer")
        return int(value)
    if hint is Decimal:
        try:
            return str(Decimal(value))
        except InvalidOperation:
            raise invalid(f"Invalid decimal: {value}", path) from None
    return value
