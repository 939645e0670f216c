"""A spec at a revision of the git repository that its file is in."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
from pathlib import Path

from groupconv_cli.errors import EnvironmentProblem, Source, UsageError
from groupconv_cli.language.yaml_reader import MAX_BYTES, decode, too_large

SECONDS = 60
"""The seconds after which git is taken to hang, for example on a network."""

_LOCAL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")
"""Variables that a git hook has for its own repository; they are wrong for other folders."""

_RUNS_NOTHING = {
    "GIT_NO_LAZY_FETCH": "1",  # objects that are missing stay missing
    "GIT_ALLOW_PROTOCOL": "none",  # for a git that does not know the line above
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_PAGER": "cat",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "LC_ALL": "C",
}
"""Options that keep git from running commands that a repository's configuration names."""

_SAFE = (
    *("-c", "protocol.allow=never"),
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.sshCommand=false"),
    *("-c", "credential.helper="),
    "--no-pager",
)


def source_at(spec: str, revision: str) -> tuple[Source | None, str]:
    """The text of the file `spec` at `revision`, and its name in git: REVISION:PATH.

    If the file had another name then, and git says that it was renamed, the name is that one. The
    text is None if the file did not exist. A symbolic link is followed, and the current folder does
    not matter.

    Raises UsageError if the file does not exist now, the revision does not exist, or the file is
    not in a repository; SpecError if it was not text; EnvironmentProblem if git cannot be run.
    """
    path = Path(os.path.realpath(spec))
    try:
        is_file = path.is_file()
    except OSError:  # a name too long
        is_file = False
    if not is_file:
        raise UsageError(f"--against needs a file of a git repository, and {spec!r} is not a file")
    commit = _commit(revision, path.parent, spec)
    now = _below_top(path.parent) + path.name
    called = f"{revision}:{now}"
    source = _text_of(path.parent, commit, path.name, called)
    if source is None and (then := _name_before(path.parent, commit, now)):
        called = f"{revision}:{then}"
        source = _text_of(_top(path.parent), commit, then, called)
    return source, called


def _name_before(folder: Path, commit: str, now: str) -> str | None:
    """The name that a file had at the commit, if git says that it was renamed since.

    The index is compared, not the files in the folder: git would run a repository's filters on
    these. So a file counts as renamed by `git mv`, or by `git add` of its new name.
    """
    listed = _git(
        folder,
        *("diff", "--cached", "--find-renames", "--diff-filter=R", "--name-status", "-z"),
        *("--no-ext-diff", "--no-textconv", "--no-relative", commit),
    )
    if listed.returncode:  # such as in a partial clone, which lacks what would be compared
        return None
    fields = [os.fsdecode(field) for field in listed.stdout.split(b"\0")]
    return {new: old for old, new in zip(fields[1::3], fields[2::3], strict=False)}.get(now)


def _top(folder: Path) -> Path:
    """The top of the repository."""
    return Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").stdout.rstrip(b"\n")))


def is_revision_path(spec: str) -> bool:
    """Whether a word can be git's REVISION:PATH: the current folder must be in a repository."""
    revision, colon, path = spec.partition(":")
    if not (revision and colon and path) or revision.startswith("-") or "\0" in spec:
        return False
    return shutil.which("git") is not None and not _git(Path(), "rev-parse", "--git-dir").returncode


def source_of(spec: str) -> Source:
    """The text of REVISION:PATH. As in git, PATH begins at the top of the repository.

    A PATH that begins with ./ or ../ begins at the current folder.

    Raises UsageError if the revision does not exist or does not have the file, and the errors of
    `source_at`.
    """
    revision, _, path = spec.partition(":")
    commit = _commit(revision, Path(), "this folder")
    here = _below_top(Path())
    top = _top(Path())

    def read(path: str) -> Source | None:
        full = posixpath.normpath(path)
        return None if full.startswith(("../", "/")) else _text_of(top, commit, full, spec)

    is_relative = path.startswith(("./", "../"))
    source = read(here + path if is_relative else path)
    if source is None:
        there = here and not is_relative and read(here + path)
        hint = f"; did you mean {revision}:./{path}?" if there else ""
        raise UsageError(f"there is no file {path!r} at {revision}{hint}")
    return source


def _text_of(folder: Path, commit: str, path: str, called: str) -> Source | None:
    """The text of a file below a folder of the repository; None if the file does not exist."""
    # Two commands find a file by its name. Only this one takes all names literally.
    listed = _git(folder, "ls-tree", "-z", commit, "--", path)
    if listed.returncode:
        raise EnvironmentProblem(f"git ls-tree failed: {_said(listed)}")
    if not listed.stdout:
        return None
    mode, kind, blob = listed.stdout.split(b"\t", 1)[0].decode().split()
    if kind != "blob" or mode == "120000":
        what = "a symbolic link" if mode == "120000" else "not a file"
        raise UsageError(f"{called} is {what}")
    size = _git(folder, "cat-file", "-s", blob)
    if not size.returncode and int(size.stdout) > MAX_BYTES:
        raise too_large(called)
    read = size if size.returncode else _git(folder, "cat-file", "blob", blob)
    if read.returncode:
        raise EnvironmentProblem(f"git cannot read {called}: {_said(read)}")
    return decode(read.stdout, called)


def _below_top(folder: Path) -> str:
    """The folder's path from the top of its repository, with a slash at the end; '' is the top."""
    return os.fsdecode(_git(folder, "rev-parse", "--show-prefix").stdout.rstrip(b"\n"))


def _commit(revision: str, folder: Path, spec: str) -> str:
    """The full hash of a revision. Text that is an option or a range is refused."""
    if not revision or revision.startswith("-") or "\0" in revision:
        raise UsageError(f"--against needs a revision, such as origin/main, got {revision!r}")
    found = _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    commit = found.stdout.decode(errors="replace").strip()
    if not found.returncode and re.fullmatch("[0-9a-f]{40,64}", commit):
        return commit
    inside = _git(folder, "rev-parse", "--is-shallow-repository")
    if inside.returncode:
        said = _said(inside)
        if "not a git repository" in said:
            raise UsageError(f"{spec} is not in a git repository")
        raise UsageError(f"cannot read the git repository of {spec}: {said}")
    hint = (
        "this clone is shallow: fetch it first (actions/checkout has fetch-depth: 0 for that)"
        if inside.stdout.strip() == b"true"
        else "`git branch --all` and `git tag` list the revisions"
    )
    raise UsageError(f"no revision {revision!r} in the repository of {spec}", hint)


def _git(folder: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    """Runs git in that folder. Raises EnvironmentProblem if git is missing or fails to run."""
    program = shutil.which("git")
    if program is None:
        raise EnvironmentProblem("--against needs git, which is not installed")
    kept = {key: value for key, value in os.environ.items() if key not in _LOCAL}
    try:
        return subprocess.run(  # noqa: S603
            [program, "-C", str(folder), *_SAFE, *args],
            env={**kept, **_RUNS_NOTHING},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentProblem(f"git did not answer for {SECONDS} seconds") from None
    except OSError as error:
        raise EnvironmentProblem(f"git cannot be run: {error.strerror or error}") from None


def _said(run: subprocess.CompletedProcess[bytes]) -> str:
    """The error of git, on one line."""
    text = run.stderr.decode(errors="replace").strip()
    return " ".join(text.removeprefix("fatal: ").split()) or f"status {run.returncode}"
