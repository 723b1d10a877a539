// SPDX-License-Identifier: Apache-2.0
//
// Compiles the contracts and writes what the C program needs to know of them: contracts_abi.h
// (selectors, types, topics, type hashes, codes) and contracts_code.c (creation code, errors).
// Uses solc-js and what comes with it.
//
//     node build.mjs SOURCE_DIR NODE_MODULES OUTPUT_DIR

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [sourceDir, modulesDir, outputDir] = process.argv.slice(2).map((path) => resolve(path));
if (!outputDir) {
    console.error('usage: build.mjs SOURCE_DIR NODE_MODULES OUTPUT_DIR');
    process.exit(2);
}

const require = createRequire(join(modulesDir, 'solc', 'package.json'));
const solc = require('solc/index.js');
const { keccak256 } = require('js-sha3');

const CONTRACTS = [
    { prefix: 'AMSC', name: 'AddressMapping' },
    { prefix: 'HPSC', name: 'HospitalPatient' },
    { prefix: 'HISC', name: 'HospitalInstitute' },
    { prefix: 'ARSC', name: 'AccessRequest' },
];
const ENUM_PREFIX = { Category: 'AMSC', Purpose: 'ARSC', Status: 'ARSC' };

function sources() {
    const names = [
        ...readdirSync(sourceDir).map((name) => name),
        ...readdirSync(join(sourceDir, 'interfaces')).map((name) => `interfaces/${name}`),
    ].filter((name) => name.endsWith('.sol')).sort();
    return Object.fromEntries(
        names.map((name) => {
            const content = readFileSync(join(sourceDir, name), 'utf8');
            return [`src/${name}`, { content }];
        }),
    );
}

function compile() {
    const input = {
        language: 'Solidity',
        sources: sources(),
        settings: {
            evmVersion: 'london',
            optimizer: { enabled: true, runs: 200 },
            viaIR: false,
            metadata: { bytecodeHash: 'none' },
            outputSelection: {
                '*': { '*': ['abi', 'evm.bytecode.object', 'userdoc'], '': ['ast'] },
            },
        },
    };
    const load = (path) => {
        try {
            return { contents: readFileSync(join(modulesDir, path), 'utf8') };
        } catch {
            return { error: `${path} not found` };
        }
    };
    const output = JSON.parse(solc.compile(JSON.stringify(input), { import: load }));
    // Warnings about what others wrote are theirs; any about ours fails the build.
    const faults = (output.errors ?? []).filter((entry) =>
        entry.severity === 'error'
        || (entry.severity === 'warning' && entry.sourceLocation?.file.startsWith('src/')));
    for (const fault of faults) console.error(fault.formattedMessage);
    if (faults.length > 0) process.exit(1);
    return { output, input };
}

const snake = (name) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
const words = (name) => name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
const typeOf = (item) =>
    item.type.startsWith('tuple')
        ? `(${item.components.map(typeOf).join(',')})${item.type.slice('tuple'.length)}`
        : item.type;
const typesOf = (items) => `(${items.map(typeOf).join(',')})`;
const signatureOf = (item) => item.name + typesOf(item.inputs);
const selectorOf = (item) => `0x${keccak256(signatureOf(item)).slice(0, 8)}u`;

function bytes(hex, indent, perLine) {
    const all = hex.match(/../g).map((byte) => `0x${byte}`);
    const lines = [];
    for (let at = 0; at < all.length; at += perLine) {
        lines.push(indent + all.slice(at, at + perLine).join(', '));
    }
    return lines;
}

function hashMacro(name, hex) {
    const lines = bytes(hex, '        ', 8);
    return [`#define ${name} \\`, '    { \\', lines.join(', \\\n') + ' \\', '    }'].join('\n');
}

function describe(prefix, abi) {
    const lines = [];
    const constructor = abi.find((item) => item.type === 'constructor');
    lines.push(`#define ${prefix}_CONSTRUCTOR_TYPES "${typesOf(constructor?.inputs ?? [])}"`);
    for (const item of abi.filter((entry) => entry.type === 'function')) {
        const name = `${prefix}_${snake(item.name)}`;
        lines.push(
            '', `/* ${signatureOf(item)} ${item.stateMutability} */`,
            `#define ${name}_SELECTOR ${selectorOf(item)}`,
            `#define ${name}_TYPES "${typesOf(item.inputs)}"`,
            `#define ${name}_RETURNS "${typesOf(item.outputs)}"`,
        );
    }
    for (const item of abi.filter((entry) => entry.type === 'event')) {
        const name = `${prefix}_${snake(item.name)}`;
        lines.push(
            '', `/* event ${signatureOf(item)} */`,
            hashMacro(`${name}_TOPIC`, keccak256(signatureOf(item))),
            `#define ${name}_INDEXED "${typesOf(item.inputs.filter((input) => input.indexed))}"`,
            `#define ${name}_DATA "${typesOf(item.inputs.filter((input) => !input.indexed))}"`,
        );
    }
    return lines;
}

function typeHashes(text) {
    const lines = [];
    const pattern = /bytes32 constant (\w+)_TYPEHASH\s*=\s*keccak256\(([^;]+)\);/g;
    for (const [, name, literals] of text.matchAll(pattern)) {
        const type = literals.match(/"([^"]*)"/g).map((part) => part.slice(1, -1)).join('');
        lines.push(
            '', `#define ${name}_TYPE \\`, `    "${type}"`,
            hashMacro(`${name}_TYPEHASH`, keccak256(type)),
        );
    }
    return lines;
}

function enums(ast) {
    const lines = [];
    for (const node of ast.nodes.filter((entry) => entry.nodeType === 'EnumDefinition')) {
        const prefix = `${ENUM_PREFIX[node.name]}_${snake(node.name)}`;
        lines.push('');
        node.members.forEach((member, at) => {
            lines.push(`#define ${prefix}_${member.name} ${at}u`);
        });
    }
    return lines;
}

function errorTable(compiled) {
    const table = new Map([
        ['0x08c379a0u', { name: 'Error', types: '(string)', text: 'the contract refused' }],
        ['0x4e487b71u', { name: 'Panic', types: '(uint256)', text: 'the contract failed' }],
    ]);
    for (const { abi, userdoc } of compiled) {
        for (const item of abi.filter((entry) => entry.type === 'error')) {
            const notice = userdoc.errors?.[signatureOf(item)]?.[0]?.notice;
            table.set(selectorOf(item), {
                name: item.name,
                types: typesOf(item.inputs),
                text: notice ?? words(item.name),
            });
        }
    }
    return [...table.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
}

function header(compiled, input, output) {
    const lines = [
        '/* Made by contracts/build.mjs from the Solidity sources. Types are in ABI notation: a',
        ' * function\'s arguments, what it returns, an event\'s indexed and other arguments. */',
        '#ifndef CONTRACTS_ABI_H', '#define CONTRACTS_ABI_H', '',
        '#include <stddef.h>', '#include <stdint.h>', '',
        '/* A custom error: its selector, its arguments, and what it means in words. */',
        'struct contract_error {', '    uint32_t selector;', '    const char *name;',
        '    const char *types;', '    const char *text;', '};', '',
        '/* Every error that a contract can answer with, in order of the selectors. */',
        'extern const struct contract_error contract_errors[];',
        'extern const size_t contract_errors_count;', '',
        '/* Creation code; the encoded arguments of the constructor follow it. */',
    ];
    for (const { prefix } of CONTRACTS) {
        const name = `${prefix.toLowerCase()}_code`;
        lines.push(`extern const uint8_t ${name}[];`, `extern const size_t ${name}_size;`);
    }
    lines.push(...enums(output.sources['src/Codes.sol'].ast));
    lines.push(...typeHashes(input.sources['src/Types.sol'].content));
    for (const { prefix, name, abi } of compiled) {
        lines.push('', `/* ${prefix}: ${name}.sol */`, ...describe(prefix, abi));
    }
    lines.push('', '#endif', '');
    return lines.join('\n');
}

function code(compiled) {
    const lines = ['/* Made by contracts/build.mjs. */', '#include "contracts_abi.h"', ''];
    for (const { prefix, bytecode } of compiled) {
        const name = prefix.toLowerCase();
        lines.push(
            `const uint8_t ${name}_code[] = {`, bytes(bytecode, '    ', 12).join(',\n') + ',', '};',
            `const size_t ${name}_code_size = sizeof ${name}_code;`, '',
        );
    }
    lines.push('const struct contract_error contract_errors[] = {');
    for (const [selector, { name, types, text }] of errorTable(compiled)) {
        lines.push(`    { ${selector}, "${name}", "${types}",`, `      ${JSON.stringify(text)} },`);
    }
    lines.push(
        '};', 'const size_t contract_errors_count =',
        '    sizeof contract_errors / sizeof contract_errors[0];', '',
    );
    return lines.join('\n');
}

const { output, input } = compile();
const compiled = CONTRACTS.map(({ prefix, name }) => {
    const { abi, userdoc, evm } = output.contracts[`src/${name}.sol`][name];
    return { prefix, name, abi, userdoc, bytecode: evm.bytecode.object };
});
writeFileSync(join(outputDir, 'contracts_abi.h'), header(compiled, input, output));
writeFileSync(join(outputDir, 'contracts_code.c'), code(compiled));
