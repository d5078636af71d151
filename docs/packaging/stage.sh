#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Lay what a package installs into a directory, from which a distribution makes
# its packages.
#
# usage: docs/packaging/stage.sh DIRECTORY [LIBRARY_DIRECTORY]
#
#   DIRECTORY/usr/src/kestrel-VERSION    the module's source, for DKMS
#   DIRECTORY/usr/lib/firmware/kestrel   the firmware image
#   DIRECTORY/usr/lib/udev/rules.d       who may open the device
#   DIRECTORY/usr/bin, usr/include, usr/share/man, usr/LIBRARY_DIRECTORY
#                                        programs, headers, manual, libraries
#
# LIBRARY_DIRECTORY is lib, or as lib/x86_64-linux-gnu in Debian. Run make before.
# The directory must be empty or not exist.
set -eu

case ${1-} in
'' | --help) sed -n '3,16s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
mkdir -p "$1"
to=$(cd "$1" && pwd)
libraries=$to/usr/${2-lib}
cd "$(dirname "$0")/../.."

stop() {
	echo "stage.sh: $1" >&2
	exit 1
}
[ -z "$(ls -A "$to")" ] || stop "$to is not empty"
[ -e build/firmware/kestrel_fw.bin ] || stop "build/firmware/kestrel_fw.bin is not there: run make"

number() {
	awk -v name="DRM_KESTREL_VERSION_$1" '$1 == "#define" && $2 == name { print $3 }' \
		uapi/drm/kestrel_accel.h
}
version=$(number MAJOR).$(number MINOR).0

# Without what `make modules` leaves among the source.
source=$to/usr/src/kestrel-$version
find Kbuild driver uapi -type f \( -name Kbuild -o -name '*.[ch]' -o -name '*.sh' \) \
	! -name '*.mod.c' ! -name kestrel_compat_config.h |
while read -r file; do
	mkdir -p "$source/$(dirname "$file")"
	cp -p "$file" "$source/$file"
done
sed "s/@VERSION@/$version/" docs/packaging/dkms.conf.in >"$source/dkms.conf"

install -D -m 644 build/firmware/kestrel_fw.bin \
	"$to/usr/lib/firmware/kestrel/arch1.0/kestrel_fw.bin"
install -D -m 644 docs/packaging/60-kestrel.rules "$to/usr/lib/udev/rules.d/60-kestrel.rules"

mkdir -p "$libraries" "$to/usr/bin"
for file in build/bin/*; do
	case $file in
	*.so*) cp -P "$file" "$libraries/" ;;
	*) install -m 755 "$file" "$to/usr/bin/" ;;
	esac
done
# npu.h, and beside it the contracts that it refers to.
install -D -m 644 libnpu/include/npu.h "$to/usr/include/npu.h"
for header in uapi/*/*.h; do
	install -D -m 644 "$header" "$to/usr/include/${header#uapi/}"
done
library_version=$(awk '$2 == "NPU_VERSION_MAJOR" { major = $3 } $2 == "NPU_VERSION_MINOR" { minor = $3 }
	END { print major "." minor }' libnpu/include/npu.h)
mkdir -p "$libraries/pkgconfig"
sed "s|@LIBRARY_DIRECTORY@|${2-lib}|; s|@VERSION@|$library_version|" docs/packaging/libnpu.pc.in \
	>"$libraries/pkgconfig/libnpu.pc"
for page in docs/man/*.[1-8]; do
	install -D -m 644 "$page" "$to/usr/share/man/man${page##*.}/${page##*/}"
done
