# Shared by the scripts beside it; sourced, never run.

say() { printf '\n== %s\n' "$*"; }

# make_environment DIR: a virtual environment of Python 3.11 or newer.
make_environment() {
    local python=${PYTHON:-python3}
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "samehand needs Python 3.11 or newer; set PYTHON to one, e.g. PYTHON=python3.12 $0" >&2
        exit 2
    fi
    [ -x "$1/bin/python" ] && return
    say "making the virtual environment $1"
    "$python" -m venv "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=24'
}

# install_once DIR REQUIREMENT [OPTION...]: pip install, unless nothing it depends on has changed.
install_once() {
    local environment=$1 stamp wanted
    shift
    stamp=$environment/installed
    wanted=$(cat pyproject.toml constraints.txt | cksum; echo "$*"; git rev-parse HEAD 2>/dev/null || true)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    say "installing $* (the first time takes a few minutes)"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt "$@"
    printf '%s\n' "$wanted" >"$stamp"
}
