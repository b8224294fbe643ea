"""A chart in YAML as JSON, for the checker of proofs, which reads JSON alone.

The parser is the one of PyYAML that is written in Python; charts are coded by another (`ivproof.chart.yaml12`), and
nothing of ivproof is used here. What a word without quotes is says the core schema of YAML 1.2, but that digits after a
0 are text.

>>> as_json(b"id: 1002\\nplace_of_service: '22'\\nadministrations: [{start: 10:30, stop: 0945}]\\n")
b'{"id": 1002, "place_of_service": "22", "administrations": [{"start": "10:30", "stop": "0945"}]}'
"""

import json
import re
from typing import Any

import yaml

LARGEST, DEEPEST, LONGEST = 1_000_000, 100, 1_000
"""So many values are read, so many levels inside each other, and numbers of so many digits."""

_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAGS = {f"tag:yaml.org,2002:{it}" for it in ("str", "seq", "map")}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_PADDED = re.compile(r"0[0-9]+", re.ASCII)


class NoYamlError(ValueError):
    """Text that is no YAML, or more than one chart; says what was found."""


def as_json(content: bytes) -> bytes:
    """Give what stands in a document of YAML as JSON. Raises NoYamlError."""
    try:
        documents = list(yaml.compose_all(content.decode("utf-8-sig"), Loader=yaml.BaseLoader))
        if len(documents) != 1:
            raise NoYamlError(f"{len(documents)} documents, expected one chart")
        return json.dumps(_Reader().value(documents[0], 0), ensure_ascii=False).encode()
    except UnicodeError:
        raise NoYamlError("bytes that are not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" in line {error.problem_mark.line + 1}"
        raise NoYamlError(f"{error.problem}{line}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise NoYamlError(type(error).__name__) from None


class _Reader:
    """Makes plain data of nodes; what is repeated by an alias is counted each time."""

    def __init__(self) -> None:
        self._read = 0

    def value(self, node: Any, depth: int) -> object:
        self._read += 1
        if self._read > LARGEST or depth > DEEPEST:
            raise NoYamlError("more values, or more levels, than a chart has")
        if node.tag not in _TAGS:
            raise NoYamlError(f"a tag in line {node.start_mark.line + 1}")
        if isinstance(node, yaml.SequenceNode):
            return [self.value(it, depth + 1) for it in node.value]
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style is not None else _plain(node.value)
        found: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in found:
                raise NoYamlError(f"a field that is no word, or stands there twice, in line {key.start_mark.line + 1}")
            found[key.value] = self.value(value, depth + 1)
        return found


def _plain(text: str) -> object:
    """What a word without quotes is."""
    if text in _WORDS:
        return _WORDS[text]
    if _PADDED.fullmatch(text) or len(text) > LONGEST:
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
