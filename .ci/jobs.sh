# What .ci/run and .ci/nightly share: a folder to work in, environments, and jobs side by side.
# shellcheck shell=bash

set -m # each job is a group of processes, which ends as a whole
work=$(mktemp -d)
chmod a+rx "$work"
names=()
pids=()
trap 'for pid in "${pids[@]}"; do kill -- "-$pid" 2> /dev/null || true; done; rm -rf "$work"' EXIT

python=${PYTHON:-python3}
export UV_PYTHON_DOWNLOADS=never
unset PYTHONDONTWRITEBYTECODE # in uv's environments every process would compile TensorFlow anew
export PIP_NO_COMPILE=1 # Python compiles what it imports; most of what is installed never is

# job NAME COMMAND...: runs it in the background; what it says goes to a log.
job() {
  local name=$1
  shift
  echo "== Beginning: $name"
  (
    SECONDS=0
    "$@"
    echo "$SECONDS" > "$work/$name.seconds"
  ) < /dev/null > "$work/$name.log" 2>&1 &
  names+=("$name")
  pids+=("$!")
}

# Waits for all jobs. Shows the whole log of one that failed, and the end of the others.
finish_jobs() {
  local failed=() number name log
  for number in "${!names[@]}"; do
    name=${names[$number]}
    log=$work/$name.log
    if wait "${pids[$number]}"; then
      echo "== Done: $name, after $(< "$work/$name.seconds") s"
      tail -n 2 "$log"
    else
      echo "== Failed: $name"
      cat "$log"
      failed+=("$name")
    fi
  done
  names=()
  pids=()
  if ((${#failed[@]})); then
    echo "== Failed: ${failed[*]}"
    return 1
  fi
}

# plain_environment NAME: an environment as a user makes it.
plain_environment() {
  "$python" -m venv "$work/$1"
  # shellcheck disable=SC1091
  source "$work/$1/bin/activate"
}

get_uv() {
  "$python" -m venv "$work/uv"
  "$work/uv/bin/pip" install --quiet --disable-pip-version-check uv
}

# uv_environment NAME PYTHON [--seed] PACKAGES...: the quick way. With --seed it has pip too.
uv_environment() {
  local folder=$work/$1 interpreter=$2 seed=()
  shift 2
  if [[ $1 == --seed ]]; then
    seed=(--seed)
    shift
  fi
  "$work/uv/bin/uv" venv --quiet "${seed[@]}" --python "$interpreter" "$folder"
  "$work/uv/bin/uv" pip install --quiet --python "$folder" "$@"
  # shellcheck disable=SC1091
  source "$folder/bin/activate"
}

# The versions of Python that the project takes, oldest first.
supported_pythons() {
  sed -n 's/.*"Programming Language :: Python :: \(3\.[0-9]*\)",/\1/p' pyproject.toml
}

# find_python VERSION: the path of such a Python, if there is one that starts.
find_python() {
  local found candidates=("python$1") root
  root=$(pyenv root 2> /dev/null || true)
  [[ -z $root ]] || candidates+=("$root/versions/$1".*/bin/python)
  for found in "${candidates[@]}"; do
    if [[ $("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null) == "$1" ]]; then
      "$found" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  "$work/uv/bin/uv" python find --quiet "$1" 2> /dev/null
}

# first_python VERSIONS...: the path of the first that is there; else of the one this runs with.
first_python() {
  local version
  for version in "$@"; do
    find_python "$version" && return
  done
  "$python" -c 'import sys; print(sys.executable)'
}

# browser: Chromium and axe-core for the tests of the page. Without them these are skipped.
browser() {
  get_chromium
  get_axe
  touch "$work/browser"
}

# after_browser: waits for the job above, so that no test meets half a browser.
after_browser() {
  until [[ -e $work/browser ]]; do
    sleep 1
  done
  GCONV_AXE=$work/axe/node_modules/axe-core/axe.min.js
  if [[ -e $GCONV_AXE ]]; then
    export GCONV_AXE
  else
    unset GCONV_AXE
  fi
}

# get_chromium: installs it, if there is none and this may install it.
get_chromium() {
  local name
  for name in chromium chromium-browser google-chrome chrome; do
    command -v "$name" > /dev/null && return
  done
  if ((EUID == 0)) && command -v apt-get > /dev/null; then
    { apt-get update && apt-get install --yes --no-install-recommends chromium; } > "$work/chromium.log" 2>&1 &&
      return
  fi
  echo "There is no Chromium and it cannot be installed here, so the page is not tried in a browser."
}

get_axe() {
  if ! command -v npm > /dev/null ||
    ! npm install --silent --no-audit --no-fund --prefix "$work/axe" axe-core > /dev/null 2>&1; then
    echo "axe-core cannot be installed here, so the page's accessibility is not tried."
  fi
}

# check_script: the page's own script can be read by JavaScript as strict code.
check_script() {
  if command -v node > /dev/null; then
    node --check groupconv_cli/page/page.js
  fi
}
