# SPDX-License-Identifier: Apache-2.0
"""FHIR resources as they are written: numbers keep their text. And what one view must not show."""

import base64
import binascii
import gzip
import json
from dataclasses import dataclass

DIRECTORY = {"Practitioner", "PractitionerRole", "Organization", "Location", "Endpoint"}


@dataclass(frozen=True)
class Number:
    """A JSON number by its text: 0.010 is not 0.01."""

    text: str


def parse(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


def bundle_text(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def entries(path):
    """The resources of a bundle that are the patient's own, in order."""
    resources = [entry["resource"] for entry in parse(bundle_text(path))["entry"]]
    return [r for r in resources if r["resourceType"] not in DIRECTORY]


def lines(path):
    """The resources of an NDJSON file."""
    return [parse(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def leaves(value, path=()):
    """(path, leaf) of everything in a resource."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list):
        for element in value:
            yield from leaves(element, path)
    else:
        yield path, value


def strings(value):
    for _, leaf in leaves(value):
        if isinstance(leaf, str):
            yield leaf


def decoded(text):
    """What base64 hides in a string; empty when it is none."""
    if len(text) < 8 or len(text) % 4:
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


class Embedding:
    """Whether a lower view says nothing but what the resource says: each member is a member, each
    array a subsequence, each leaf equal. Ids and references are looked up in `ids`, pseudonym ->
    id; without it they are left alone. Derived values: birth year, ZIP, deceasedBoolean."""

    def __init__(self, ids=None, resources=None):
        self.ids = ids
        self.resources = resources

    def resource(self, view, whole):
        for key, value in view.items():
            if key == "id":
                continue
            if key == "deceasedBoolean" and "deceasedDateTime" in whole and value is True:
                continue
            if key not in whole:
                return False
            if view["resourceType"] == "Patient" and key == "birthDate":
                if len(value) != 4 or not whole[key].startswith(value):
                    return False
            elif not self.value(value, whole[key], key):
                return False
        return True

    def value(self, view, whole, key=None):
        if isinstance(view, dict):
            return isinstance(whole, dict) and all(
                k in whole and self.value(v, whole[k], k) for k, v in view.items())
        if isinstance(view, list):
            rest = iter(whole if isinstance(whole, list) else [])
            return all(any(self.value(v, w) for w in rest) for v in view)
        if key == "reference":
            return self.reference(view, whole)
        if key == "postalCode" and isinstance(whole, str) and isinstance(view, str):
            return len(view) == 3 and whole.startswith(view)
        return view == whole

    def reference(self, view, whole):
        if view == whole:
            return view.startswith("#") or "?" in view
        if self.ids is None:
            return True
        kind, _, pseudonym = view.partition("/")
        target = self.ids.get(pseudonym)
        return target is not None and kind == self.resources[target]["resourceType"] and (
            whole.endswith(":" + target) or whole.endswith("/" + target))


def match(view, whole):
    """pseudonym -> id, of the resources of a view in the order of the whole; and those of the view
    that match nothing."""
    ids, strange, at = {}, [], 0
    for resource in view:
        look = at
        while look < len(whole) and not (
                whole[look]["resourceType"] == resource["resourceType"]
                and Embedding().resource(resource, whole[look])):
            look += 1
        if look == len(whole):
            strange.append(resource)
        else:
            ids[resource["id"]] = whole[look]["id"]
            at = look + 1
    return ids, strange


def internal_references(resource):
    """Every reference that is to resolve inside the file, with its path."""
    for path, leaf in leaves(resource):
        if path[-1] == "reference" and "?" not in leaf and not leaf.startswith("#"):
            yield path, leaf


def identity(patient):
    """What tells who a patient is, as text: names, numbers, street, phone."""
    found = {patient["id"]}
    for name in patient["name"]:
        found.add(name["family"])
        found.update(name["given"])
    found.update(i["value"] for i in patient["identifier"])
    found.update(t["value"] for t in patient["telecom"])
    for address in patient["address"]:
        found.update(address["line"])
        found.update(x["valueDecimal"].text for e in address.get("extension", ())
                     for x in e.get("extension", ()) if "valueDecimal" in x)
    for extension in patient["extension"]:
        if extension["url"].endswith("mothersMaidenName"):
            found.update(extension["valueString"].split())
    return {text for text in found if len(text) > 3}


def written_as(text):
    """The bytes of a text as UTF-8, escaped in JSON, in hex and inside base64 at any offset."""
    plain = text.encode()
    forms = {plain, json.dumps(text)[1:-1].encode(), plain.hex().encode(),
             plain.hex().upper().encode()}
    for shift in range(3):
        # the digits that depend on these bytes alone
        coded = base64.b64encode(bytes(shift) + plain)
        start = (0, 2, 3)[shift]
        whole = (shift + len(plain)) * 8 // 6
        forms.add(coded[start:whole])
    return {form for form in forms if len(form) > 3}
