"""The steps of action.yml, run as the forge's runner does: expressions in `env`, then a script of bash."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent.parent

_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")


def document(path: Path) -> Any:  # noqa: ANN401  # YAML
    """Return the first document of a YAML file."""
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a step printed, and how it ended."""

    code: int
    out: str


@dataclass(slots=True, kw_only=True)
class Job:
    """A checkout in which the action runs."""

    folder: Path
    environment: dict[str, str]
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def run(self, *names: str) -> dict[str, Ran]:
        """Run the steps of these names in the action's order, up to the first that fails."""
        done: dict[str, Ran] = {}
        for step in document(ROOT / "action.yml")["runs"]["steps"]:
            if step["name"] in names:
                done[step["name"]] = self._step(step)
                if done[step["name"]].code:
                    break
        return done

    def _step(self, step: dict[str, Any]) -> Ran:
        written = self.folder / "output"
        written.write_text("")
        given = {name: self._value(value) for name, value in step.get("env", {}).items()}
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder / "checkout",
            env=self.environment | given | {"GITHUB_OUTPUT": str(written)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        pairs = (line.partition("=") for line in written.read_text().splitlines())
        self.outputs |= {name: value for name, _, value in pairs}
        return Ran(code=ran.returncode, out=ran.stdout)

    def _value(self, text: str) -> str:
        return _EXPRESSION.sub(lambda found: self._expression(found[1]), text)

    def _expression(self, path: str) -> str:
        match path.split("."):
            case ["inputs", name]:
                declared = document(ROOT / "action.yml")["inputs"][name]
                return self.inputs[name] if name in self.inputs else self._value(declared["default"])
            case ["steps", "plan", "outputs", name]:
                return self.outputs.get(name, "")
            case ["github", "token"]:
                return os.environ.get("MARKER_TOKEN", "marker-token")
            case _:
                raise ValueError(path)
