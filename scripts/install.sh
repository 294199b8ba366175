#!/bin/sh
# Everything that the program and its tests need on a fresh Debian 12. Asks nothing; run again, it does only what is
# missing. System packages and the fetching of Asterisk need root; the rest does not.
set -eu
cd "$(dirname "$0")/.."
started=$(date +%s)

say() { echo "install: $*" >&2; }

# ── system packages, by name ───────────────────────────────────────────────────────────────────────────────────
packages="python3-venv espeak-ng sox sip-tester baresip-core redis-server postgresql debootstrap ca-certificates fonts-droid-fallback chromium"
missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        say "these packages are missing:$missing; run make install as root once"
        exit 2
    fi
    say "system packages:$missing"
    # Servers that come with a package are the tests' own to start: nothing is started here (and could not be, in a
    # chroot). A policy that is there already is somebody else's, and stays.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        say "apt-get could not install:$missing; mend what it says above and run make install again"
        exit 2
    fi
    rm -f "$log"
fi

# ── the virtual environment, with the newest Python that serves ────────────────────────────────────────────────
newest() {
    for version in 13 12 11; do
        for python in "python3.$version" python3; do
            command -v "$python" >/dev/null 2>&1 || continue
            "$python" -c "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, $version))" 2>/dev/null || continue
            command -v "$python"
            return
        done
    done
}
if ! .venv/bin/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
    python=$(newest)
    [ -n "$python" ] || { say "no Python 3.11 to 3.13 with venv; apt-get install python3 python3-venv"; exit 2; }
    say "virtual environment with $python"
    rm -rf .venv
    "$python" -m venv .venv
fi
stamp=$(cksum <pyproject.toml)
if [ "$(cat .venv/.installed 2>/dev/null || true)" != "$stamp" ] || [ ! -x .venv/bin/hotline ]; then
    say "Python packages"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input -e '.[dev]' >&2
    echo "$stamp" >.venv/.installed
fi

# ── Asterisk, the prompts, the compiled kernel ─────────────────────────────────────────────────────────────────
.venv/bin/python -m hotline.switch.fetch
.venv/bin/python -m hotline.switch.prompts_live
[ ! -e acd/kernel.py ] || .venv/bin/python -m acd.kernel >/dev/null
[ ! -e simulator/fast.py ] || .venv/bin/python -m simulator.fast >/dev/null
say "ready after $(($(date +%s) - started)) s: make demo, make test, .venv/bin/hotline"
