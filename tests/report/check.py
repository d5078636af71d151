#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The report's page in a real browser: Debian's chromium without a screen.

usage: check.py [--keep DIRECTORY] [MODELS]

Compiles MobileNet V2, DeepLab V3 and the demo model with --report PAGE.html, opens each
page with probe.js at its end and compares what is on it with the report's figures: no
error on the console, the table of operators with places and reasons, SRAM map, timeline
of the four units, roofline; tips, sorting, zoom. --keep leaves pages and pictures of
them in DIRECTORY. MODELS is the collection (default $KESTREL_MODELS, else
../shared/models). Prints TAP lines; skips where there is no chromium.
"""
import argparse
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
MODELS = ("coral_mobilenet_v2_ptq_int8", "deeplabv3_mnv3_person_int8")
SECONDS = 300
UNITS = ("DMA in", "MAC", "VECTOR", "DMA out")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-extensions", "--disable-default-apps", "--enable-logging=stderr",
         "--window-size=1280,2600", "--virtual-time-budget=10000")


def browse(browser, profile, page, *flags):
    """Open a page; return what chromium printed and what the console said."""
    done = subprocess.run([browser, *FLAGS, f"--user-data-dir={profile}", *flags,
                           "file://" + os.path.abspath(page)], capture_output=True, text=True,
                          errors="replace", timeout=SECONDS, check=True)
    return done.stdout, re.findall(r"CONSOLE.*", done.stderr)


def embedded(text, name):
    """The JSON in the script element of that name."""
    found = re.search(rf'<script[^>]*id="{name}"[^>]*>(.*?)</script>', text, re.DOTALL)
    return json.loads(html.unescape(found.group(1))) if found else None


def rows_expected(report):
    """Index, type, place, output and reason of each operator."""
    return [[str(o["index"]), o["type"], o["place"], o["output"]] for o in report["operators"]]


def judge(report, probe, console):
    """Names of what is looked at, and whether it is right."""
    column = {re.sub(r" [\u25b4\u25be]$", "", name): i for i, name in enumerate(probe["headings"])}
    rows = [[row[column[name]] for name in ("#", "operator", "place", "output")]
            for row in probe["rows"]]
    by_cycles = [int(cell.replace(",", "")) for cell in probe["byCycles"]]
    job = max(report["jobs"], key=lambda job: job["cycles"])
    yield "no error on the console", not console
    yield "title and figures", probe["title"] == report["model"] and \
        f"{report['predicted_cycles']:,}" in probe["summary"]
    yield f"a row for each of {report['ops_total']} operators, with its place", \
        rows == rows_expected(report) and len(rows) == report["ops_total"]
    yield "steps and reasons", all(
        row[column["step"]] == o["step"] and
        row[column["reason"]] == (o["reason"] or o["step_reason"])
        for o, row in zip(report["operators"], probe["rows"]))
    yield "the other configuration's operators", [
        [row[column["place"]], row[column["step"]],
         int(row[column["cycles"]].replace(",", ""))] for row in probe["otherRows"]] == [
             [o["place"], o["step"], o["predicted_cycles"]]
             for o in report["streams"][1]["operators"]]
    yield "how many run where", probe["counts"].startswith(
        f"{report['ops_npu']} on the NPU, {report['ops_cpu']} on the processor, "
        f"{report['ops_removed']} removed")
    yield "a lane for each of the four units", all(
        pixels > 0 for pixels, unit in zip(probe["lanes"], (0, 2, 3, 1))
        if any(command[0] == unit for command in job["commands"])) and \
        min(probe["lanes"]) > 0
    yield "feature maps and weights in the SRAM map", min(probe["sram"].values()) > 100
    yield "points and lines of the roofline", min(probe["roofline"].values()) > 100
    types = {o["type"] for o in report["operators"]}
    yield "tips tell the MAC unit's operators", probe["timelineTips"] and all(
        re.match(r"MAC: (\S+) \d+\n", tip) and tip.split()[1] in types
        for tip in probe["timelineTips"])
    yield "tips tell what lies in the SRAM", any(
        tip.startswith("feature map: ") for tip in probe["sramTips"])
    yield "a heading sorts", by_cycles == sorted(by_cycles, reverse=True) and \
        sorted(by_cycles) == sorted(o["predicted_cycles"] for o in report["operators"])
    yield "the wheel zooms, and back", probe["zooms"] and probe["returns"]


def check(browser, name, model, work, keep):
    """Print a result for all that is looked at on a model's page."""
    page, probed = os.path.join(work, name + ".html"), os.path.join(work, name + "-probed.html")
    subprocess.run([os.path.join(TOP, "build/bin/npuc"), model, "-o",
                    os.path.join(work, "graph.npu"), "--report", page,
                    "--target", "kestrel-256,kestrel-512"], check=True)
    with open(page, encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(HERE, "probe.js"), encoding="utf-8") as file:
        script = file.read()
    with open(probed, "w", encoding="utf-8") as file:
        file.write(text.replace("</body>", f"<script>\n{script}</script>\n</body>"))
    profile = os.path.join(work, "profile")
    picture = os.path.join(os.path.abspath(keep or work), name + ".png")
    if keep:
        shutil.copy(page, keep)
    console = browse(browser, profile, page, "--screenshot=" + picture)[1]
    dom, more = browse(browser, profile, probed, "--dump-dom")
    console += more
    for line in console:
        print(f"# {line}")
    report, probe = embedded(text, "report"), embedded(dom, "probe")
    if not probe:
        print(f"not ok - {name}: the page runs to its end")
        return True
    failed = False
    for what, good in judge(report, probe, console):
        print(f"{'ok' if good else 'not ok'} - {name}: {what}")
        failed |= not good
    if failed:
        print("# " + json.dumps({key: value for key, value in probe.items() if key != "rows"}))
    return failed


def check_damaged(browser, work):
    """Print whether a page that goes wrong is noticed: otherwise nothing here can fail."""
    with open(os.path.join(work, "demo-probed.html"), encoding="utf-8") as file:
        text = file.read()
    page = os.path.join(work, "damaged.html")
    with open(page, "w", encoding="utf-8") as file:
        file.write(text.replace('"predicted_cycles": ', '"predicted": '))
    dom, console = browse(browser, os.path.join(work, "profile"), page, "--dump-dom")
    noticed = console and not embedded(dom, "probe")
    print(f"{'ok' if noticed else 'not ok'} - a page that goes wrong is noticed")
    return not noticed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", metavar="DIRECTORY")
    parser.add_argument("models", nargs="?", metavar="MODELS", default=os.environ.get(
        "KESTREL_MODELS", os.path.join(TOP, "../shared/models")))
    arguments = parser.parse_args()
    browser = shutil.which("chromium")
    if not browser:
        print("ok - the report's page in a browser # SKIP no chromium: tests/setup.sh long")
        return 0
    if arguments.keep:
        os.makedirs(arguments.keep, exist_ok=True)
    subprocess.run(["make", "-s", "-C", TOP, "programs"], check=True)
    failed = False
    with tempfile.TemporaryDirectory() as work:
        failed |= check(browser, "demo", os.path.join(TOP, "tests/demo/model.tflite"), work,
                        arguments.keep)
        failed |= check_damaged(browser, work)
        for name in MODELS:
            model = os.path.join(arguments.models, name, "model.tflite")
            if os.path.exists(model):
                failed |= check(browser, name, model, work, arguments.keep)
            else:
                print(f"ok - {name} in a browser # SKIP no file {model}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
