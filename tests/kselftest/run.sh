#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the ioctl tests in the guest, from the directory that they are in. Prints
# TAP lines; ends with the module gone, and comes back with 0 if all held.
#
# usage: run.sh [DIRECTORY]    (default /usr/lib/kestrel-tests)

tests=${1:-/usr/lib/kestrel-tests}
status=0

check()
{
	if [ "$2" = "$3" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1: $2, not $3"
		status=1
	fi
}

modprobe kestrel
check "module loads" $? 0

for test in "$tests"/kestrel-*_test; do
	echo "# ${test##*/}"
	"$test" || status=1
done

rmmod kestrel
check "module unloads" $? 0
modprobe kestrel
check "module loads again" $? 0
rmmod kestrel
check "module unloads again" $? 0
exit $status
