#!/bin/sh
# Make .venv hold exactly the locked set, and nothing else. A second run changes nothing.
# Works as root or an ordinary user, with or without uv, and on system Pythons marked externally managed:
# pip is only ever asked to fill a folder of ours (--target).
set -eu
cd "$(dirname "$0")/.."
state=.isthmus/setup
mkdir -p "$state"

fail() { printf 'setup: %s\n  fix: %s\n' "$1" "$2" >&2; exit 3; }

find_python() {
    for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        [ -n "$name" ] || continue
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"; return
        fi
    done
    fail "no Python >= 3.11 on PATH" "install python3.11 or newer, or run: make PYTHON=/path/to/python3.11 setup"
}

python=$(find_python)
wanted=$(cat requirements-dev.lock requirements-uv.lock pyproject.toml toolchain/setup.sh | sha256sum | cut -d' ' -f1)
wanted="$wanted $("$python" -c 'import sys; print(sys.version.split()[0])') $(pwd)"
if [ -x .venv/bin/isthmus ] && [ "$(cat "$state/done" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    uv="$state/uv/bin/uv"
    if ! [ -x "$uv" ]; then
        echo 'setup: uv is not on PATH, installing the pinned one into .isthmus/setup' >&2
        rm -rf "$state/uv"
        "$python" -m pip --version >/dev/null 2>&1 ||
            fail "$python has no pip and uv is not on PATH" "install uv, or your system's python3-pip"
        "$python" -m pip install --quiet --no-warn-script-location --disable-pip-version-check \
            --root-user-action=ignore --require-hashes --target "$state/uv" -r requirements-uv.lock ||
            fail "pip could not install the pinned uv" "check the network and the package index of pip"
    fi
fi

echo 'setup: filling .venv from requirements-dev.lock' >&2
# the system's certificates: a company's own package mirror is trusted there, not in uv's own list
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 UV_SYSTEM_CERTS=true
[ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv
"$uv" pip sync --quiet --require-hashes --python .venv/bin/python requirements-dev.lock ||
    fail "the locked packages could not be installed" "check the network and the package index, then run make setup again"
"$uv" pip install --quiet --no-deps --no-build-isolation --python .venv/bin/python -e . ||
    fail "the checkout could not be installed into .venv" "remove .venv and run make setup again"
.venv/bin/python -m compileall -q policy contracts runtime router sync chaos loadtest local marketing cli toolchain infra || true
printf '%s' "$wanted" >"$state/done"
