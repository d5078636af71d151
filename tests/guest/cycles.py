#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the NPU cycles of models in the guest with kestrel-sim's.

usage: cycles.py SIMULATED GUEST

SIMULATED holds NAME.json of kestrel-sim, GUEST the NAME.json of npu-run; both
tell of the same vectors. The last run's cycles must agree within 1 %; a model
that does not use the NPU takes none in both. Prints a TAP line for each model.
"""

import json
import os
import sys

TOLERANCE = 0.01


def last_json(path):
    """The JSON object in the file, which may have lines of a log before it."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return json.loads(text[text.index("{"):])


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    simulated, guest = sys.argv[1:]
    names = sorted(name for name in os.listdir(simulated) if name.endswith(".json"))
    for name in names:
        model = name[:-len(".json")]
        title = f"{model}: cycles in the guest are kestrel-sim's within 1 %"
        expected = last_json(os.path.join(simulated, name))["cycles_total"]
        path = os.path.join(guest, name)
        if not os.path.exists(path) or not os.path.getsize(path):
            print(f"# {model}: no result of the guest")
            print(f"not ok - {title}")
            continue
        cycles = last_json(path)["npu_cycles"]
        print(f"# {model}: {cycles} in the guest, {expected} in kestrel-sim")
        good = abs(cycles - expected) <= expected * TOLERANCE
        print(f"{'ok' if good else 'not ok'} - {title}")
    return 0 if names else 1


if __name__ == "__main__":
    sys.exit(main())
