#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what check-long.sh has of the groups, as JSON.

usage: check_long_report.py DIRECTORY COMMIT CHANGED TABLE
"""
import json
import os
import re
import sys


def read(path):
    """Text of a file, empty where there is none."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def group_report(directory, name, command):
    """One group: settings, counts, skips by name, what its log says of its seeds."""
    settings = dict(word.split("=", 1) for word in command.split()
                    if re.fullmatch(r"[A-Z_]+=\S+", word))
    report = {"name": name, "command": command, "settings": settings,
              "inputs": read(os.path.join(directory, name + ".inputs")).strip()}
    counts = read(os.path.join(directory, name + ".result")).split()
    if not counts:
        report["result"] = "not run"
        return report
    commit = read(os.path.join(directory, name + ".commit")).split()
    report.update({"commit": commit[0] if commit else "", "changed": "changed" in commit[1:2]})
    log = read(os.path.join(directory, name + ".log"))
    passed, failed, skipped, seconds = map(int, counts)
    report.update({"result": "failed" if failed else "passed", "passed": passed,
                   "failed": failed, "skipped": skipped, "seconds": seconds})
    report["skips"] = re.findall(r"^ok (?:- )?(.*# SKIP.*)$", log, re.MULTILINE)
    report["seeds"] = sorted(set(re.findall(r"^(?:ok|#).*?\bseeds? (?:from )?(\d+)", log,
                                            re.MULTILINE)), key=int)[:20]
    report["coverage"] = re.findall(r"^# (.* calls, +\d+ % went well.*)$", log, re.MULTILINE)
    report["problems"] = read(os.path.join(directory, name + ".problems")).splitlines()
    report["problems"] = [line for line in report["problems"] if line]
    return report


def main():
    directory, commit, changed, table = sys.argv[1:5]
    groups = []
    with open(table, encoding="utf-8") as file:
        for line in file:
            _, name, command = line.rstrip("\n").split(" ", 2)
            groups.append(group_report(directory, name, command))
    total = {key: sum(group.get(key, 0) for group in groups)
             for key in ("passed", "failed", "skipped", "seconds")}
    complete = all(group["result"] == "passed" for group in groups)
    json.dump({"commit": commit, "changed": bool(changed), "complete": complete,
               "total": total, "groups": groups}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
