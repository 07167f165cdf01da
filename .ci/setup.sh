#!/bin/sh
# Makes or tops up .venv. Whatever would fail half-way is refused first, in one line, before
# anything is downloaded.
#
# usage: setup.sh REQUIREMENTS STAMP PYTHON...   (PIP_ARGS and IPYTHONDIR from the environment)
set -u
requirements=$1 stamp=$2
shift 2
marker=.venv/.unfinished # left behind where an installation was killed

refuse() {
    echo "set-up: $*" >&2
    exit 1
}

# The remedy for a wrong Python: one that is here, else one to install.
other_python() {
    for python in python3.13 python3.12 python3.11 python3.10; do
        "$python" -c 'import ensurepip' >/dev/null 2>&1 && echo "make PYTHON=$python lab" && return
    done
    echo "install Python 3.12, then make PYTHON=python3.12 lab"
}

check_python() {
    version=$("$@" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
        refuse "$* does not run; needed: Python 3.10 to 3.13; remedy: $(other_python)"
    case $version in
        3.10 | 3.11 | 3.12 | 3.13) ;;
        *) refuse "$* is Python $version; needed: 3.10 to 3.13; remedy: $(other_python)" ;;
    esac
    "$@" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        refuse "$* (Python $version) cannot make virtual environments: no ensurepip;" \
            "remedy: sudo apt install python$version-venv"
}

check_disk() {
    case "$(uname -s) ${PIP_ARGS-}" in
        *cpu*) need=3 ;;
        Linux*) need=12 ;; # torch brings CUDA: 6 GB, and its wheels twice while pip is at work
        *) need=3 ;;
    esac
    free=$(df -Pk . 2>/dev/null | sed -n 's/.* \([0-9][0-9]*\)  *[0-9][0-9]*% .*/\1/p')
    [ "${free:=$((need << 20))}" -ge $((need << 20)) ] ||
        refuse "$((free >> 20)) GB of disk free here; needed: $need GB; remedy: free some, or save" \
            "5 GB on Linux by wheels without CUDA (PIP_ARGS, see 'make help')"
}

# One set-up at a time. The lock is on this file; it ends with the processes that hold it.
exec 9<"$0"
"$@" -c '
import fcntl
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    print("Another set-up is at work in this folder; waiting for it", flush=True)
    fcntl.flock(9, fcntl.LOCK_EX)' 2>/dev/null

here=$(pwd -P)
if [ -e $marker ] || [ "$(cat .venv/.ready 2>/dev/null || echo "$here")" != "$here" ] ||
    ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    check_python "$@"
    rm -rf .venv
    check_disk
    echo "Making .venv with $* ($version)"
    "$@" -m venv .venv || refuse "$* -m venv failed, see above"
fi

touch $marker
mkdir -p .venv/tmp # beside the packages: /tmp is often a small RAM disk
# shellcheck disable=SC2086 # several arguments are meant
TMPDIR=$here/.venv/tmp .venv/bin/python -m pip install ${PIP_ARGS-} -r "$requirements" || {
    [ $? -gt 2 ] || rm -f $marker # pip undoes its own failures, 1 and 2; not its being killed
    refuse "pip failed, see above; remedy: check the network, then repeat the same make command"
}
rm -rf .venv/tmp
settings=.venv/share/jupyter/lab/settings
mkdir -p $settings && cp .binder/overrides.json $settings/
mkdir -p "$IPYTHONDIR" # of the Makefile; IPython warns if it has to make it
echo "$here" >"$stamp"
rm -f $marker
