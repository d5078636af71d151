#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether enough of a model's multiply-accumulates are on the NPU.

usage: share.py REPORT.json PERCENT

Takes the report of npuc; exits 1, with the operators that are not there, where
less is.
"""
import json
import sys


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    if report["npu_macs"] * 100 >= report["macs"] * float(sys.argv[2]):
        return 0
    print(f"{report['npu_macs']} of {report['macs']} multiply-accumulates are on the NPU")
    for operator in report["operators"]:
        if operator["macs"] and operator["place"] != "npu":
            print(f"{operator['index']} {operator['type']}: {operator['reason']}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
