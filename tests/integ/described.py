# SPDX-License-Identifier: BSD-2-Clause
"""described: whether answers of the daemon are what user/serve/openapi.json says: path, status, media type, and every member."""
import json
import re
import subprocess

from target import ROOT, expect

FILE = ROOT / "user/serve/openapi.json"
# Debian's jsonschema, for Debian's Python.
CHECK = """
import json, sys
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
asked = json.load(sys.stdin)
for name, instance in asked["instances"]:
    schema = {**asked["schemas"][name], "components": asked["components"]}
    Draft202012Validator.check_schema(schema)
    error = best_match(Draft202012Validator(schema).iter_errors(instance))
    if error:
        sys.exit(f"{name}: {error.json_path}: {error.message[:500]}")
"""


def document():
    return json.loads(FILE.read_text())


def resolved(doc, node):
    while "$ref" in node:
        to = doc
        for part in node["$ref"].removeprefix("#/").split("/"):
            to = to[part]
        node = to
    return node


def template_of(doc, path):
    """The path of the document that it is one of; of several the one without parameters."""
    fits = [t for t in doc["paths"] if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(t)), path)]
    expect(fits, f"{path} is not described")
    return min(fits, key=lambda t: t.count("{"))


def check_all(schemas, instances):
    """instances: [[name of a schema, value]]"""
    asked = json.dumps({"schemas": schemas, "components": document()["components"], "instances": instances})
    done = subprocess.run(["/usr/bin/python3", "-c", CHECK], input=asked, capture_output=True, text=True)
    expect(done.returncode == 0, done.stderr)


def described(answers):
    """answers: [(path with its query, (status, headers, text))]. Templates of the paths that were answered with 200."""
    doc, schemas, instances, well = document(), {}, [], set()
    for path, (status, headers, text) in answers:
        template = template_of(doc, path.partition("?")[0])
        responses = doc["paths"][template]["get"]["responses"]
        expect(str(status) in responses, f"{path}: {status} is not described: {text[:200]}")
        content = resolved(doc, responses[str(status)])["content"]
        media = headers["Content-Type"].partition(";")[0]
        expect(media in content, f"{path}: {status}: {media} is not described")
        name = f"{path} {status} {media}"
        schemas[name] = content[media]["schema"]
        instances += [[name, json.loads(line)] for line in text.splitlines()] if media.endswith("jsonl") else [[name, json.loads(text) if media.endswith("json") else text]]
        if status == 200:
            well.add(template)
    check_all(schemas, instances)
    return well
