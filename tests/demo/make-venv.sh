#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Make (or find) the Python environment with the reference runtime, TensorFlow
# 2.14.1, and print the path of its interpreter on the standard output:
#
#	python=$(tests/demo/make-venv.sh)
#
# It lies in ${KESTREL_CACHE:-$HOME/.cache/kestrel}/tensorflow-2.14.1 and is made
# again when requirements.txt or the Python version changes. Needs Python 3.11
# with venv (Debian 12: python3-venv), the network the first time, and 2 GB of
# disk. PYTHON names another interpreter of that version. Two callers at once are
# safe. Exit code: 0 made or found, 1 failed, 2 wrong usage.
set -eu

say()
{
	printf 'make-venv: %s\n' "$*" >&2
}

case "${1-}" in
"")
	;;
-h | --help)
	sed -n '4,14s/^# \{0,1\}//p' "$0"
	exit 0
	;;
*)
	say "unknown argument '$1' (see --help)"
	exit 2
	;;
esac

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3.11}
cache=${KESTREL_CACHE:-$HOME/.cache/kestrel}
venv=$cache/tensorflow-2.14.1
stamp=$venv/kestrel-stamp

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || {
	say "cannot run '$python': install Python 3.11 (Debian 12: apt-get install python3-venv)"
	exit 1
}
if [ "$version" != 3.11 ]; then
	say "'$python' is Python $version, but TensorFlow 2.14.1 is pinned here for Python 3.11"
	exit 1
fi
want="$version $(uname -m) $(sha256sum <"$here/requirements.txt" | cut -d' ' -f1)"

mkdir -p "$cache"
exec 9>"$venv.lock"
flock 9

if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
	say "installing TensorFlow 2.14.1 and what it needs into $venv"
	rm -rf "$venv"
	"$python" -m venv "$venv" || {
		say "'$python -m venv' failed (Debian 12: apt-get install python3-venv)"
		exit 1
	}
	"$venv/bin/python" -m pip install --disable-pip-version-check --quiet \
		--no-deps --requirement "$here/requirements.txt" >&2 || {
		say "pip could not install $here/requirements.txt"
		exit 1
	}
	"$venv/bin/python" -m pip check >&2 || {
		say "$here/requirements.txt does not fit together"
		exit 1
	}
	TF_CPP_MIN_LOG_LEVEL=3 "$venv/bin/python" -c '
import tensorflow
assert tensorflow.__version__ == "2.14.1", tensorflow.__version__' >&2 || {
		say "the installed TensorFlow does not start"
		exit 1
	}
	printf '%s\n' "$want" >"$stamp"
fi
printf '%s\n' "$venv/bin/python"
