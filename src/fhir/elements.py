# SPDX-License-Identifier: Apache-2.0
"""Turns R4's StructureDefinitions, levels.txt and sensitive.txt into C tables.

Usage: elements.py PROFILES-TYPES PROFILES-RESOURCES LEVELS SENSITIVE OUT.c
Fails on a row that names what R4 does not have: a typing mistake must not open a hole.
"""
import json
import sys

LEVELS = {'low': 1, 'medium': 2, 'high': 3, 'complete': 4, 'element': 5}
PERSON = {'Patient', 'RelatedPerson', 'Person', 'Group', 'Resource'}
KINDS = {
    'boolean': 'BOOLEAN', 'integer': 'INTEGER', 'positiveInt': 'INTEGER', 'unsignedInt': 'INTEGER',
    'decimal': 'DECIMAL', 'date': 'DATE', 'dateTime': 'DATE', 'instant': 'DATE', 'time': 'TIME',
    'code': 'CODE',
}
CATEGORIES = ['hiv', 'reproductive', 'substance', 'mental', 'psychotherapy', 'violence', 'genetic',
              'adolescent', 'self-paid', 'social', 'restricted']


class Type:
    def __init__(self, name, kind):
        self.name, self.kind, self.row, self.elements = name, kind, 0, {}


def definitions(path):
    with open(path, encoding='utf-8') as file:
        for entry in json.load(file)['entry']:
            one = entry['resource']
            if one['resourceType'] == 'StructureDefinition' and \
                    one.get('derivation') != 'constraint':
                yield one


def type_code(one, path):
    """FHIRPath system types stand for the primitives that hold them."""
    code = one['code']
    if not code.startswith('http://hl7.org/fhirpath/'):
        return code
    return 'uri' if path == 'Extension.url' else 'id'


def add_element(types, owner, element, path):
    name = path.rsplit('.', 1)[1]
    array = element['max'] != '1'
    if 'contentReference' in element:
        choices = [(name, element['contentReference'].lstrip('#'), [])]
    else:
        choices = []
        for one in element.get('type', []):
            code = type_code(one, path)
            if code in ('BackboneElement', 'Element') and path in types:
                code = path
            label = name
            if name.endswith('[x]'):
                label = name[:-3] + code[0].upper() + code[1:]
            choices.append((label, code, one.get('targetProfile', [])))
    for label, code, targets in choices:
        targets = {target.rsplit('/', 1)[1] for target in targets}
        person = code == 'Reference' and (not targets or bool(targets & PERSON))
        types[owner].elements[label] = {
            'type': code, 'array': array, 'person': person, 'row': 0}


def load(paths):
    types = {}
    for path in paths:
        for one in definitions(path):
            add_definition(types, one)
    return types


def add_definition(types, one):
    name, kind = one['type'], one['kind']
    if one['abstract'] and name not in ('Element', 'Resource'):
        return
    if kind == 'primitive-type':
        types[name] = Type(name, KINDS.get(name, 'TEXT'))
        return
    types[name] = Type(name, 'RESOURCE' if kind == 'resource' else 'OBJECT')
    elements = [e for e in one['snapshot']['element'] if '.' in e['path'] and e['max'] != '0']
    for element in elements:
        codes = [t['code'] for t in element.get('type', [])]
        if codes in (['BackboneElement'], ['Element']):
            inner = 'BACKBONE' if kind == 'resource' else 'OBJECT'
            types[element['path']] = Type(element['path'], inner)
    for element in elements:
        add_element(types, element['path'].rsplit('.', 1)[0], element, element['path'])


def read_levels(path, types):
    """Rows of types and elements go into `types`; the rest is returned."""
    paths, extensions, categories = {}, [], []
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            words = line.split('#', 1)[0].split() if not '<' in line else line.split()
            if not words or words[0].startswith('#'):
                continue
            try:
                level = LEVELS[words[1]]
                read_level(words, level, types, paths, extensions, categories)
            except (KeyError, IndexError, ValueError) as problem:
                sys.exit(f'{path}: line {number}: {problem!r}')
    return paths, extensions, categories


def read_level(words, level, types, paths, extensions, categories):
    subject = words[0]
    if subject.endswith('>'):
        owner, url = subject[:-1].split('<')
        if owner != '*' and owner not in types:
            raise KeyError(owner)
        extensions.append((owner, url, level))
    elif subject.endswith(')'):
        categories.append((subject[:-1].split('(')[1], level))
    elif '.' not in subject:
        types[subject].row = level
    else:
        owner, name = subject.rsplit('.', 1)
        if owner in types:
            element = types[owner].elements[name]
            element['row'] = level
            if words[2:] == ['organization']:
                element['person'] = False
        else:
            add_path(types, paths, subject, level)


def add_path(types, paths, subject, level):
    first, *rest = subject.split('.')
    at, node = types[first], paths.setdefault(first, [0, {}])
    for name in rest:
        at = types[at.elements[name]['type']]
        node = node[1].setdefault(name, [0, {}])
    node[0] = level


def read_sensitive(path):
    systems, codes, words, labels = {}, set(), [], []
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            line = line.strip()
            if not line or line.startswith('#'):
                continue
            first, second, *rest = line.split()
            if first == 'system':
                systems[second] = rest
                continue
            if first not in CATEGORIES:
                sys.exit(f'{path}: line {number}: no category {first}')
            mask = 1 << CATEGORIES.index(first)
            if second == 'words:':
                body = line.split('words:', 1)[1]
                words += [(word.strip(), mask) for word in body.split(';') if word.strip()]
            elif second == 'label:':
                labels += [(code, mask) for code in rest]
            elif second in systems:
                codes |= {(second, code, mask) for code in rest}
            else:
                sys.exit(f'{path}: line {number}: no system {second}')
    return systems, codes, words, labels


def quote(text):
    return json.dumps(text)


def key(text):
    return text.encode()


def write_types(out, types, names):
    index = {name: at for at, name in enumerate(names)}
    for name in names:
        one = types[name]
        if not one.elements:
            continue
        out.append(f'static const struct fhir_element elements_{index[name]}[] = {{')
        for label in sorted(one.elements, key=key):
            element = one.elements[label]
            flags = (1 if element['array'] else 0) | (2 if element['person'] else 0)
            out.append(f'    {{ {quote(label)}, {index[element["type"]]}, {flags}, '
                       f'{element["row"]} }},')
        out.append('};')
    out.append(f'const uint16_t fhir_types_count = {len(names)};')
    out.append(f'const struct fhir_type fhir_types[{len(names)}] = {{')
    for name in names:
        one = types[name]
        elements = f'elements_{index[name]}' if one.elements else 'NULL'
        out.append(f'    {{ {quote(name)}, {elements}, {len(one.elements)}, '
                   f'FHIR_KIND_{one.kind}, {one.row} }},')
    out.append('};')


def write_paths(out, paths):
    def write(name, node, label):
        level, parts = node
        for part in parts:
            write(part, parts[part], f'{label}_{part}')
        if parts:
            out.append(f'static const struct fhir_path {label}_parts[] = {{')
            for part in sorted(parts, key=key):
                inner = f'{label}_{part}_parts' if parts[part][1] else 'NULL'
                out.append(f'    {{ {quote(part)}, {inner}, {len(parts[part][1])}, '
                           f'{parts[part][0]} }},')
            out.append('};')
        return name, level

    for root in sorted(paths):
        write(root, paths[root], f'path_{root}')
    out.append(f'const uint16_t fhir_paths_count = {len(paths)};')
    out.append(f'const struct fhir_path fhir_paths[{len(paths)}] = {{')
    for root in sorted(paths, key=key):
        out.append(f'    {{ {quote(root)}, path_{root}_parts, {len(paths[root][1])}, 0 }},')
    out.append('};')


def write_rows(out, extensions, categories):
    out.append(f'const uint16_t fhir_extensions_count = {len(extensions)};')
    out.append(f'const struct fhir_extension_rule fhir_extensions[{len(extensions)}] = {{')
    out += [f'    {{ {quote(owner)}, {quote(url)}, {level} }},' for owner, url, level in extensions]
    out.append('};')
    out.append(f'const uint16_t fhir_observations_count = {len(categories)};')
    out.append(f'const struct fhir_label_rule fhir_observations[{len(categories)}] = {{')
    out += [f'    {{ {quote(code)}, {level} }},' for code, level in categories]
    out.append('};')


def write_sensitive(out, systems, codes, words, labels):
    names = sorted(systems)
    pairs = sorted((uri, names.index(name)) for name in names for uri in systems[name])
    out.append(f'const uint16_t fhir_systems_count = {len(pairs)};')
    out.append(f'const struct fhir_label_rule fhir_systems[{len(pairs)}] = {{')
    out += [f'    {{ {quote(uri)}, {at} }},' for uri, at in pairs]
    out.append('};')
    exact, prefix = {}, {}
    for system, code, mask in codes:
        table = prefix if code.endswith('*') else exact
        place = (names.index(system), code.rstrip('*'))
        table[place] = table.get(place, 0) | mask
    for label, table in (('codes', exact), ('prefixes', prefix)):
        out.append(f'const uint16_t fhir_{label}_count = {len(table)};')
        out.append(f'const struct fhir_code_rule fhir_{label}[{len(table)}] = {{')
        for system, code in sorted(table, key=lambda place: (place[0], key(place[1]))):
            out.append(f'    {{ {quote(code)}, {system}, 0x{table[system, code]:x} }},')
        out.append('};')
    write_words(out, words)
    out.append(f'const uint16_t fhir_labels_count = {len(labels)};')
    out.append(f'const struct fhir_label_rule fhir_labels[{len(labels)}] = {{')
    out += [f'    {{ {quote(code)}, 0x{mask:x} }},' for code, mask in labels]
    out.append('};')


def write_words(out, words):
    """Sorted, so that the words of one first letter lie together; `first` says where."""
    words = sorted(set(words), key=lambda word: key(word[0]))
    out.append(f'const struct fhir_word_rule fhir_words[{len(words)}] = {{')
    for word, mask in words:
        whole = word.endswith('$')
        out.append(f'    {{ {quote(word.rstrip("$"))}, {len(key(word.rstrip("$")))}, '
                   f'{"true" if whole else "false"}, 0x{mask:x} }},')
    out.append('};')
    first = [sum(1 for word, _ in words if key(word)[0] < byte) for byte in range(257)]
    out.append('const uint16_t fhir_word_first[257] = {')
    for at in range(0, 257, 16):
        out.append('    ' + ' '.join(f'{value},' for value in first[at:at + 16]))
    out.append('};')


def main():
    types_path, resources_path, levels_path, sensitive_path, target = sys.argv[1:]
    types = load([types_path, resources_path])
    paths, extensions, categories = read_levels(levels_path, types)
    names = sorted(types, key=key)
    out = ['/* SPDX-License-Identifier: Apache-2.0 */',
           '/* Generated by elements.py; not to be edited. */',
           '#include "fhir/tables.h"', '']
    write_types(out, types, names)
    write_paths(out, paths)
    write_rows(out, extensions, categories)
    write_sensitive(out, *read_sensitive(sensitive_path))
    with open(target, 'w', encoding='utf-8') as file:
        file.write('\n'.join(out) + '\n')


if __name__ == '__main__':
    main()
