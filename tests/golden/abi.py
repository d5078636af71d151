#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The contracts of uapi/ as text: what a program that was built with them relies on.

usage: abi.py [--uapi DIRECTORY] > FILE
       abi.py --compare FILE [--uapi DIRECTORY]

A line for every constant with its value, every structure with its size, every field
with its offset, size and type, for 64-bit machines; macros with arguments as they are
written. --compare tells lines of FILE that no longer hold, then lines that are new.
Exit code: 0 the same, 1 lines changed or gone, 3 new ones alone, 2 cannot be told.
Needs clang, which parses the headers, and gcc, whose compiler gives the numbers.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

HEADERS = ("drm/kestrel_accel.h", "kestrel/regs.h", "kestrel/isa.h", "kestrel/firmware.h",
           "kestrel/graph.h", "kestrel/compiler.h", "kestrel/simulator.h", "kestrel/coredump.h")
ONLY_NUMBERS = ("kestrel/regs.h", "kestrel/isa.h")
CODE = """#include <stdio.h>
#include <stddef.h>
#include <stdint.h>
#include <{header}>
#define NUMBER(x) _Generic((x), char *: 0, const char *: 0, default: (x))
#define TEXT(x) _Generic((x), char *: (x), const char *: (x), default: "")
#define CONSTANT(name, x) do {{ if (*TEXT(x)) printf("%s \\"%s\\"\\n", name, TEXT(x)); \\
	else printf("%s %#llx\\n", name, (unsigned long long)NUMBER(x)); }} while (0)
int main(void)
{{
{lines}
	return 0;
}}
"""


def run(command, **options):
    # A compiler cache in front of clang would swallow the syntax tree.
    environment = {**os.environ, "CCACHE_DISABLE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env=environment, **options)
    if done.returncode:
        sys.stderr.write(done.stderr)
        sys.exit(2)
    return done.stdout


def drm_flags():
    return run(["pkg-config", "--cflags", "libdrm"]).split()


def macros(uapi, header, flags):
    """(name, whether it has arguments, text) of the macros that the header defines itself."""
    text = run(["gcc", "-E", "-dD", "-I", uapi, *flags, os.path.join(uapi, header)])
    current, found = "", []
    for line in text.splitlines():
        marker = re.match(r'# \d+ "([^"]*)"', line)
        if marker:
            current = marker.group(1)
        elif os.path.normpath(current) == os.path.normpath(os.path.join(uapi, header)):
            define = re.match(r"#define (\w+)(\([^)]*\))?\s*(.*)", line)
            if define and define.group(3):
                found.append((define.group(1), define.group(2) or "", define.group(3).strip()))
    return found


def children(node):
    return node.get("inner", [])


def fields(record):
    """Names and types of the fields, those of unnamed members as if they were its own."""
    for node in children(record):
        if node["kind"] in ("FieldDecl", "IndirectFieldDecl") and node.get("name"):
            yield node["name"]


def types_of(record, all_types):
    for node in children(record):
        if node["kind"] == "RecordDecl":
            types_of(node, all_types)
        elif node["kind"] == "FieldDecl" and node.get("name"):
            all_types.setdefault(node["name"], node["type"]["qualType"])


def declarations(uapi, header, flags):
    """The header's own enums and structures, as clang's syntax tree has them."""
    tree = json.loads(run(["clang", "-fsyntax-only", "-Xclang", "-ast-dump=json", "-x", "c",
                           "-std=c11", "-I", uapi, *flags, os.path.join(uapi, header)]))
    file, found = "", []
    for node in children(tree):
        place = node.get("loc", {})
        place = place.get("expansionLoc", place)
        file = place.get("file", file)
        if os.path.normpath(file) == os.path.normpath(os.path.join(uapi, header)) and \
                node["kind"] in ("EnumDecl", "RecordDecl"):
            found.append(node)
    if not any(node["kind"] == "RecordDecl" for node in found) and header not in ONLY_NUMBERS:
        sys.stderr.write(f"{header}: clang shows no structure of it\n")
        sys.exit(2)
    return found


def record_lines(node):
    """printf()s of one structure."""
    types = {}
    types_of(node, types)
    name = f"{node['tagUsed']} {node['name']}"
    lines = [f'printf("{name} %zu\\n", sizeof({name}));']
    for field in fields(node):
        lines.append(f'printf("{name} {field} at %zu, %zu: {types.get(field, "?")}\\n", '
                     f'offsetof({name}, {field}), sizeof((({name} *)0)->{field}));')
    return lines


def header_lines(uapi, header, flags):
    lines, verbatim = [], []
    for name, arguments, text in macros(uapi, header, flags):
        if arguments:
            verbatim.append(f"#define {name}{arguments} {' '.join(text.split())}")
        elif not re.fullmatch(r"(extern|__attribute__|struct|enum)\b.*", text):
            lines.append(f'CONSTANT("{name}", {name});')
    for node in declarations(uapi, header, flags):
        if node["kind"] == "EnumDecl":
            for constant in children(node):
                if constant["kind"] == "EnumConstantDecl":
                    lines.append(f'printf("enum {node.get("name", "")} {constant["name"]} %lld\\n", '
                                 f'(long long){constant["name"]});')
        elif node.get("completeDefinition") and node.get("name"):
            lines += record_lines(node)
    with tempfile.TemporaryDirectory() as work:
        source, program = os.path.join(work, "abi.c"), os.path.join(work, "abi")
        with open(source, "w", encoding="utf-8") as file:
            file.write(CODE.format(header=header,
                                   lines="\n".join("\t" + line for line in lines)))
        run(["gcc", "-std=gnu11", "-w", "-I", uapi, *flags, "-o", program, source])
        printed = run([program]).splitlines()
    return [f"# {header}"] + [f"{header}: {line}" for line in printed + verbatim]


def compare(path, now):
    with open(path, encoding="utf-8") as file:
        golden = [line.rstrip("\n") for line in file if not line.startswith("#")]
    now = [line for line in now if not line.startswith("#")]
    gone = [line for line in golden if line not in set(now)]
    new = [line for line in now if line not in set(golden)]
    for line in gone:
        print(f"no longer holds: {line}")
    for line in new:
        print(f"is new: {line}")
    return 1 if gone else 3 if new else 0


def main():
    arguments = sys.argv[1:]
    here = os.path.dirname(os.path.abspath(__file__))
    uapi, golden = os.path.join(here, "..", "..", "uapi"), None
    while len(arguments) > 1 and arguments[0] in ("--uapi", "--compare"):
        if arguments[0] == "--uapi":
            uapi = arguments[1]
        else:
            golden = arguments[1]
        arguments = arguments[2:]
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    uapi, flags = os.path.normpath(uapi), drm_flags()
    lines = ["# SPDX-License-Identifier: MIT", "# Made by tests/golden/regenerate.sh."]
    for header in HEADERS:
        lines += header_lines(uapi, header, flags)
    if golden:
        return compare(golden, lines)
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
