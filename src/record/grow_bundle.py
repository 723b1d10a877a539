#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a large FHIR bundle of one patient out of a small one, for the benchmark: every resource
but the Patient again and again under new ids, until the file has so many bytes.

    grow_bundle.py FOLDER BYTES OUTPUT      takes the patient's bundle (.json.gz) of FOLDER
"""

import gzip
import json
import re
import sys
import uuid
from pathlib import Path

URN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def patient_bundle(folder):
    for path in sorted(Path(folder).glob("*.json.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            bundle = json.load(file)
        types = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
        if "Patient" in types:
            return bundle["entry"], types.index("Patient")
    sys.exit(f"{folder}: no bundle of a patient")


def copies(entries, patient):
    """Texts of entries: the bundle as it is, then its copies."""
    texts = [json.dumps(entry, ensure_ascii=False, indent=2) for entry in entries]
    ids = {entry["fullUrl"].removeprefix("urn:uuid:")
           for entry in entries} - {entries[patient]["fullUrl"].removeprefix("urn:uuid:")}
    yield from texts
    number = 0
    while True:
        number += 1
        new = {old: str(uuid.uuid5(uuid.UUID(old), str(number))) for old in ids}
        for at, text in enumerate(texts):
            if at != patient:
                yield URN.sub(lambda found, ids=new: ids.get(found.group(), found.group()), text)


def main():
    folder, wanted, output = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    size = 0
    with open(output, "w", encoding="utf-8") as file:
        file.write('{"resourceType": "Bundle", "type": "transaction", "entry": [\n')
        for text in copies(*patient_bundle(folder)):
            file.write((",\n" if size else "") + text)
            size += len(text.encode()) + 2
            if size >= wanted:
                break
        file.write("\n]}\n")


if __name__ == "__main__":
    main()
