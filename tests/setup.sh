#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Install what building and testing need on Debian 12, each with its reason.
# Does nothing where everything is there; needs root otherwise.
#
# usage: tests/setup.sh [build|run|check|long]     (default check)
set -eu

# gcc, make        host programs
# libdrm-dev       libnpu talks to the kernel through libdrm
# libpng-dev       npu-classify reads images
# libssl-dev       kestrel-fw and the boot ROM: SHA-256 and Ed25519 of a well-kept library
# protobuf-c      npuc reads ONNX files, which are protobuf messages
# gcc-riscv64-...  the firmware (RV32IMC, freestanding)
build="gcc libc6-dev make pkg-config libdrm-dev libpng-dev libssl-dev protobuf-c-compiler libprotobuf-c-dev gcc-riscv64-unknown-elf binutils-riscv64-unknown-elf"
# python3          glue of tests and QEMU's build
# the rest         fetching and unpacking kernels, cross building for the guest
run="$build python3 gcc-aarch64-linux-gnu libc6-dev-arm64-cross cpio xz-utils zstd kmod curl gnupg dpkg-dev bc bison flex libelf-dev rsync"
# python3-venv     ONNX Runtime, the reference of random ONNX models
# libc6-dev-i386, lib32gcc-12-dev   ioctl tests as 32-bit programs (gcc-multilib conflicts
#                  with the arm64 cross compiler)
# ccache           objects that were compiled before, kept with the other caches
# udev             the rule for device nodes is tried in a guest
# sparse, clang-tidy   static checks; g++: contract headers in C++; perl: checkpatch
check="$run python3-venv g++ perl ccache sparse clang-tidy clang libclang-rt-14-dev device-tree-compiler udev libc6-dev-i386 lib32gcc-12-dev"
# chromium         the report's page in a browser
long="$check chromium"

case ${1-check} in
build) packages=$build ;;
run) packages=$run ;;
check) packages=$check ;;
long) packages=$long ;;
--help) sed -n '3,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) echo "setup.sh: unknown set $1" >&2; exit 2 ;;
esac

missing=
for package in $packages; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
if [ "$(id -u)" -ne 0 ]; then
	echo "setup.sh: not root; run: apt-get install$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of words
if ! { apt-get update -q && apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 40 "$log" >&2
	echo "setup.sh: cannot install:$missing" >&2
	exit 1
fi
