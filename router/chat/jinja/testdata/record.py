#!/usr/bin/env python3
"""Records reference.json: what Jinja2, set up as Hugging Face's apply_chat_template does it, makes of snippets.json.

Run it in this folder with Jinja2 3.1 installed, after snippets.json has changed.
"""
import datetime
import json

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.TemplateError(message)


def strftime_now(format):
    return datetime.datetime(2025, 3, 4, 15, 6, 7).strftime(format)


environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
)
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = strftime_now

with open("snippets.json", encoding="utf-8") as f:
    snippets = json.load(f)
cases = []
for source in snippets["sources"]:
    case = {"source": source}
    try:
        case["output"] = environment.from_string(source).render(**snippets["vars"])
    except Exception as e:
        case["error"] = f"{type(e).__name__}: {e}"
    cases.append(case)
with open("reference.json", "w", encoding="utf-8") as f:
    json.dump({"jinja2": jinja2.__version__, "vars": snippets["vars"], "cases": cases}, f, ensure_ascii=False, indent=1)
    f.write("\n")
