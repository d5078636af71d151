#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Make (or find) the Python environment with a reference runtime, TensorFlow
# 2.14.1, ONNX Runtime 1.23.2 or TensorFlow Lite Micro, and print the path of its
# interpreter on the standard output:
#
#	python=$(tests/demo/make-venv.sh [tensorflow | onnxruntime | tflite_micro])
#
# It lies in ${KESTREL_CACHE:-$HOME/.cache/kestrel}/tensorflow-2.14.1 (or
# onnxruntime-1.23.2, tflite_micro-0.dev...) and is made again when its requirements.txt or the Python
# version changes. Needs Python 3.11 with venv (Debian 12: python3-venv), the
# network the first time, and 2 GB of disk (400 MB). PYTHON names another
# interpreter of that version. Two callers at once are safe.
# Exit code: 0 made or found, 1 failed, 2 wrong usage.
set -eu

say()
{
	printf 'make-venv: %s\n' "$*" >&2
}

case "${1-tensorflow}" in
tensorflow)
	module=tensorflow title=TensorFlow version=2.14.1 requirements=../demo/requirements.txt
	;;
onnxruntime)
	module=onnxruntime title="ONNX Runtime" version=1.23.2 requirements=../onnx/requirements.txt
	;;
tflite_micro)
	module=tflite_micro title="TensorFlow Lite Micro" version=0.dev20261023182759
	requirements=../tflm/requirements.txt
	;;
-h | --help)
	sed -n '4,17s/^# \{0,1\}//p' "$0"
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
venv=$cache/$module-$version
requirements=$here/$requirements
stamp=$venv/kestrel-stamp

installed=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || {
	say "cannot run '$python': install Python 3.11 (Debian 12: apt-get install python3-venv)"
	exit 1
}
if [ "$installed" != 3.11 ]; then
	say "'$python' is Python $installed, but $title $version is pinned here for Python 3.11"
	exit 1
fi
want="$installed $(uname -m) $(sha256sum <"$requirements" | cut -d' ' -f1)"

mkdir -p "$cache"
exec 9>"$venv.lock"
flock 9

if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
	say "installing $title $version and what it needs into $venv"
	rm -rf "$venv"
	"$python" -m venv "$venv" || {
		say "'$python -m venv' failed (Debian 12: apt-get install python3-venv)"
		exit 1
	}
	"$venv/bin/python" -m pip install --disable-pip-version-check --quiet \
		--no-deps --requirement "$requirements" >&2 || {
		say "pip could not install $requirements"
		exit 1
	}
	"$venv/bin/python" -m pip check >&2 || {
		say "$requirements does not fit together"
		exit 1
	}
	TF_CPP_MIN_LOG_LEVEL=3 "$venv/bin/python" -c "
import $module
assert $module.__version__.split('-')[0] == '$version', $module.__version__" >&2 || {
		say "the installed $title does not start"
		exit 1
	}
	printf '%s\n' "$want" >"$stamp"
fi
printf '%s\n' "$venv/bin/python"
