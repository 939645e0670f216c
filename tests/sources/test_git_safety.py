"""A repository's own configuration runs no command and fetches nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from running import run_gconv

from groupconv_cli.sources import git_revision

SPEC = "input: [8, 8, 4]\nlayers: [conv: {{filters: {filters}, kernel: 3}}]\n"


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.email=a@b.c", "-c", "user.name=a", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "net.yaml").write_text(SPEC.format(filters=8))
    (folder / ".gitattributes").write_text("*.yaml diff=evil filter=evil\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    (folder / "net.yaml").write_text(SPEC.format(filters=16))
    return folder


@pytest.fixture
def trap(tmp_path: Path) -> tuple[str, Path]:
    """A command that leaves a mark, and the mark."""
    mark, script = tmp_path / "ran", tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\necho run >> {mark}\nexit 1\n")
    script.chmod(0o755)
    return str(script), mark


@pytest.mark.parametrize(
    "keys",
    [
        ["core.fsmonitor"],
        ["core.pager", "pager.cat-file", "pager.ls-tree", "pager.rev-parse"],
        ["core.sshCommand"],
        ["core.askPass"],
        ["credential.helper"],
        ["diff.evil.textconv", "diff.evil.command", "diff.external"],
        ["filter.evil.smudge", "filter.evil.clean", "filter.evil.process"],
        ["core.alternateRefsCommand"],
        ["gpg.program"],
    ],
    ids=lambda keys: keys[0],
)
def test_no_setting_runs_a_command(repository: Path, trap, keys: list[str]) -> None:
    command, mark = trap
    for key in keys:
        git(repository, "config", key, command)
    done = run_gconv("diff", "net.yaml", "--against", "HEAD", cwd=repository)
    assert done.status == 0
    assert not mark.exists()


@pytest.mark.parametrize(
    "keys",
    [
        ["diff.evil.textconv", "diff.evil.command", "diff.external"],
        ["filter.evil.smudge", "filter.evil.clean", "filter.evil.process"],
        ["core.fsmonitor"],
    ],
    ids=lambda keys: keys[0],
)
def test_looking_for_an_old_name_runs_no_command(repository: Path, trap, keys: list[str]) -> None:
    command, mark = trap
    git(repository, "mv", "net.yaml", "new.yaml")
    for key in keys:
        git(repository, "config", key, command)
    done = run_gconv("diff", "new.yaml", "--against", "HEAD", cwd=repository)
    assert "From HEAD:net.yaml to new.yaml." in done.out
    assert not mark.exists()


def test_no_alias_or_hook_runs(repository: Path, trap) -> None:
    command, mark = trap
    for name in ("cat-file", "ls-tree", "rev-parse"):
        git(repository, "config", f"alias.{name}", f"!{command}")
    hooks = repository / ".git" / "hooks"
    for name in (
        "post-checkout",
        "reference-transaction",
        "post-index-change",
        "fsmonitor-watchman",
    ):
        (hooks / name).unlink(missing_ok=True)
        (hooks / name).symlink_to(command)
    assert run_gconv("diff", "net.yaml", "--against", "HEAD", cwd=repository).status == 0
    assert not mark.exists()


@pytest.mark.parametrize("url", ["ext::{}", "ext::sh -c {}", "ssh://{}/x", "file://{}"])
def test_what_a_partial_clone_lacks_is_not_fetched(repository: Path, trap, url: str) -> None:
    command, mark = trap
    blob = git(repository, "rev-parse", "HEAD:net.yaml")
    for key, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "evil",
        "remote.evil.url": url.format(command),
        "remote.evil.promisor": "true",
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "core.sshCommand": command,
    }.items():
        git(repository, "config", key, value)
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    done = run_gconv("diff", "net.yaml", "--against", "HEAD", cwd=repository)
    assert done.status == 3
    assert "git cannot read HEAD:net.yaml" in done.err
    assert not mark.exists()


def test_a_large_file_is_not_read(repository: Path, monkeypatch) -> None:
    (repository / "net.yaml").write_text("#" * (1 << 20) + "\n")
    git(repository, "commit", "--quiet", "-am", "large")
    (repository / "net.yaml").write_text(SPEC.format(filters=16))
    asked: list[tuple[str, ...]] = []
    run = git_revision._git

    def noted(folder: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
        asked.append(args[:2])
        return run(folder, *args)

    monkeypatch.setattr(git_revision, "_git", noted)
    for args in (("net.yaml", "--against", "HEAD"), ("HEAD:net.yaml", "net.yaml")):
        done = run_gconv("diff", *args, cwd=repository)
        assert done.status == 2
        assert "HEAD:net.yaml" in done.err
        assert "larger than 1,048,576 bytes, the limit for a spec" in done.err
    assert ("cat-file", "-s") in asked
    assert ("cat-file", "blob") not in asked
