// SPDX-License-Identifier: Apache-2.0
// A second implementation of docs/proof.md, to make proof.json beside it:
//     node src/record/vectors/proof.mjs
// It shares no code with the program; Keccak-256 and the signature are written out here.
import { createHash, createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const int = (n, size) => Buffer.from(BigInt(n).toString(16).padStart(2 * size, '0'), 'hex');
const u8 = (n) => int(n, 1), u32 = (n) => int(n, 4), u64 = (n) => int(n, 8);
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const draw = (name, length = 32) =>
  createHmac('sha256', 'aceso proof vectors').update(name).digest().subarray(0, length);

// ---- Keccak-256

const mask = (1n << 64n) - 1n;
const turn = (word, by) => by ? (word << BigInt(by) | word >> BigInt(64 - by)) & mask : word;
function permute(a) {
  let lfsr = 1;
  for (let round = 0; round < 24; round++) {
    const c = [0, 1, 2, 3, 4].map((x) => a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]);
    for (let i = 0; i < 25; i++) a[i] ^= c[(i + 4) % 5] ^ turn(c[(i + 1) % 5], 1);
    let [x, y, moved] = [1, 0, a[1]];
    for (let t = 1; t <= 24; t++) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      [moved, a[x + 5 * y]] = [a[x + 5 * y], turn(moved, t * (t + 1) / 2 % 64)];
    }
    for (let row = 0; row < 25; row += 5) {
      const b = a.slice(row, row + 5);
      for (let i = 0; i < 5; i++)
        a[row + i] = b[i] ^ (~b[(i + 1) % 5] & mask & b[(i + 2) % 5]);
    }
    for (let j = 0; j < 7; j++) {
      if (lfsr & 1) a[0] ^= 1n << BigInt((1 << j) - 1);
      lfsr = (lfsr << 1) ^ (lfsr & 0x80 ? 0x171 : 0);
    }
  }
}
function keccak(...parts) {
  const input = Buffer.concat([...parts, u8(1)]), rate = 136;
  const padded = Buffer.concat([input, Buffer.alloc((rate - input.length % rate) % rate)]);
  padded[padded.length - 1] |= 0x80;
  const a = Array(25).fill(0n);
  for (let at = 0; at < padded.length; at += rate) {
    for (let i = 0; i < rate / 8; i++) a[i] ^= padded.readBigUInt64LE(at + 8 * i);
    permute(a);
  }
  const out = Buffer.alloc(32);
  for (let i = 0; i < 4; i++) out.writeBigUInt64LE(a[i], 8 * i);
  return out;
}

// ---- secp256k1

const p = 2n ** 256n - 2n ** 32n - 977n;
const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const G = [0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n];
const mod = (a, m) => (a % m + m) % m;
const number = (bytes) => BigInt('0x' + hex(bytes));
function inverse(a, m) {
  let [r0, r1, s0, s1] = [m, mod(a, m), 0n, 1n];
  while (r1) [r0, r1, s0, s1] = [r1, r0 % r1, s1, s0 - r0 / r1 * s1];
  return mod(s0, m);
}
function add(a, b) {
  if (!a || !b) return a || b;
  if (a[0] === b[0] && a[1] !== b[1]) return null;
  const slope = a[0] === b[0] ? 3n * a[0] * a[0] * inverse(2n * a[1], p)
    : (b[1] - a[1]) * inverse(b[0] - a[0], p);
  const x = mod(slope * slope - a[0] - b[0], p);
  return [x, mod(slope * (a[0] - x) - a[1], p)];
}
function times(k, point) {
  let sum = null;
  for (; k; k >>= 1n, point = add(point, point)) if (k & 1n) sum = add(sum, point);
  return sum;
}
const addressOf = (secret) => {
  const [x, y] = times(secret, G);
  return keccak(int(x, 32), int(y, 32)).subarray(12);
};
function sign(secret, digest) {
  const k = mod(number(sha256(int(secret, 32), digest)), n), [x, y] = times(k, G);
  let s = mod(inverse(k, n) * (number(digest) + x * secret), n), odd = y & 1n;
  if (2n * s > n) [s, odd] = [n - s, odd ^ 1n];
  return Buffer.concat([int(x, 32), int(s, 32), u8(27n + odd)]);
}

// ---- leaves, tree, what the patient signs

function leaf(who, part, record, position, level) {
  return sha256(u8(0), part.salt, u64(who.chainId), who.patient, who.hospital, record, u32(1),
    u8(level), u32(4 * position + level - 1), u32(part.patch.length), part.patch);
}
const split = (count) => { let k = 1; while (2 * k < count) k *= 2; return k; };
function root(nodes) {
  if (nodes.length === 1) return nodes[0];
  const k = split(nodes.length);
  return sha256(u8(1), root(nodes.slice(0, k)), root(nodes.slice(k)));
}
function path(index, nodes) {
  if (nodes.length === 1) return [];
  const k = split(nodes.length);
  return index < k ? [...path(index, nodes.slice(0, k)), root(nodes.slice(k))]
    : [...path(index - k, nodes.slice(k)), root(nodes.slice(0, k))];
}
function signed(who, batch) {
  const type = (text) => keccak(Buffer.from(text)), word = (value) => int(value, 32);
  const domain = keccak(type('EIP712Domain(string name,string version,uint256 chainId,' +
    'address verifyingContract)'), type('aceso'), type('1'), word(who.chainId),
  word(number(who.contract)));
  const message = keccak(type('Batch(uint64 number,bytes32 previousRoot,bytes32 root,' +
    'uint32 records,uint32 leaves)'), word(batch.number), batch.previous, batch.root,
  word(batch.records), word(4 * batch.records));
  return sign(who.secret, keccak(Buffer.from([0x19, 1]), domain, message));
}

// ---- the file

const frame = (kind, ...body) => {
  const bytes = Buffer.concat(body);
  return Buffer.concat([u8(kind), u32(bytes.length), bytes]);
};
const relationshipFrame = (who, level) => frame(1, who.consortium, u32(who.number),
  u64(who.chainId), who.contract, who.patient, who.hospital, u8(level));
const batchFrame = (relationship, batch) => frame(2, u32(relationship), u64(batch.number),
  batch.previous, batch.root, u32(batch.records), u32(4 * batch.records), batch.signature);
function recordFrame(index, batch, position, line, level) {
  const { record, parts, leaves } = batch.content[position];
  const inner = [[leaves[1], sha256(u8(1), leaves[2], leaves[3])],
    [sha256(u8(1), leaves[2], leaves[3])], [leaves[3]], []][level - 1];
  return frame(3, u32(index), record, u32(1), u32(position), u64(line),
    ...parts.slice(0, level).flatMap((part) => [part.salt, u32(part.patch.length), part.patch]),
    ...inner, ...path(position, batch.content.map((c) => root(c.leaves))));
}

function party(name, hospital) {
  const secret = number(draw(`${name} key`));
  return { name, secret, chainId: 31337, consortium: draw('consortium', 20), number: hospital,
    contract: draw(`${name} contract`, 20), patient: addressOf(secret),
    hospital: draw(`${name} hospital`, 20) };
}
function makeBatch(who, number_, previous, records) {
  const content = records.map((patches, position) => {
    const record = Buffer.concat([u32(number_), u32(position),
      draw(`${who.name} ${number_} ${position}`, 8)]);
    const parts = patches.map((patch, slot) => ({ patch: Buffer.from(patch),
      salt: draw(`${who.name} ${number_} ${position} ${slot}`) }));
    return { record, parts,
      leaves: parts.map((part, slot) => leaf(who, part, record, position, slot + 1)) };
  });
  const batch = { number: number_, previous, records: records.length, content,
    root: root(content.flatMap((c) => c.leaves)) };
  return { ...batch, signature: signed(who, batch) };
}

// Patches by level, and what a level shows of them.
const first = [
  ['{"=":{"resourceType":"Condition"}}', '', '{"o":[["resourceType",null],["v",{"=":0.010}]]}',
    '{"o":[["resourceType",null],["id",{"=":"x"}],["v",null]]}'],
  ['', '', '', '{"=":{"resourceType":"Basic","id":"y","text":"\\u00e9\\n"}}'],
  ['', '{"=":["é",1.0]}', '', '{"a":[0,{"=":true},1]}'],
];
const shows = [
  ['{"resourceType":"Condition"}', '{"resourceType":"Condition"}',
    '{"resourceType":"Condition","v":0.010}', '{"resourceType":"Condition","id":"x","v":0.010}'],
  [null, null, null, '{"resourceType":"Basic","id":"y","text":"é\\n"}'],
  [null, '["é",1.0]', '["é",1.0]', '["é",true,1.0]'],
];
const zero = Buffer.alloc(32);
const a = party('a', 1), b = party('b', 2);
const batch = makeBatch(a, 1, zero, first);

function plain(level) {
  const frames = [relationshipFrame(a, level), batchFrame(0, batch)], lines = [];
  first.forEach((_, i) => {
    if (shows[i][level - 1]) lines.push(shows[i][level - 1]);
    frames.push(recordFrame(0, batch, i, shows[i][level - 1] ? lines.length : 0, level));
  });
  return file(`level ${level}`, 0, frames, lines, [1, 1, 3], 3, lines.length);
}
function file(name, merged, frames, lines, [relationships, batches, records], all, shown) {
  return { name, chainId: 31337, consortium: hex(a.consortium), records: all, shown,
    empty: records - shown, lines: lines.length,
    export: lines.map((line) => line + '\n').join(''),
    proof: hex(Buffer.concat([Buffer.from('aceso proof\n'), u8(1), u8(merged), ...frames,
      frame(4, u32(relationships), u32(batches), u64(records), u64(lines.length))])) };
}

// At a second hospital, in two batches: the first record with its members in another order, and
// one of its own; two more that are left out of the proof.
function merged() {
  const one = makeBatch(b, 1, zero, [
    ['', '', '', '{"=":{"id":"x","v":0.010,"resource\\u0054ype":"Condition"}}'],
    ['', '', '', '{"=":"left out"}']]);
  const two = makeBatch(b, 2, one.root, [
    ['', '', '', '{"=":"left out too"}'], ['', '', '', '{"=":{"resourceType":"Basic","id":"z"}}']]);
  const lines = [...shows.map((levels) => levels[3]), '{"resourceType":"Basic","id":"z"}'];
  return file('merged', 1, [relationshipFrame(a, 4), batchFrame(0, batch),
    ...first.map((_, i) => recordFrame(0, batch, i, i + 1, 4)),
    relationshipFrame(b, 4), batchFrame(1, one), recordFrame(1, one, 0, 1, 4),
    batchFrame(1, two), recordFrame(2, two, 1, 4, 4)], lines, [2, 3, 5], 7, 5);
}

// Digests of values.
const field = (tag, bytes) => Buffer.concat([Buffer.from(tag), u32(bytes.length), bytes]);
function value(v) {
  if (v === null) return Buffer.concat([Buffer.from('n'), u32(0)]);
  if (typeof v === 'boolean') return Buffer.concat([Buffer.from(v ? 't' : 'f'), u32(0)]);
  if (typeof v === 'number') return field('#', Buffer.from(String(v)));
  if (typeof v === 'string') return field('"', Buffer.from(v));
  if (Array.isArray(v))
    return Buffer.concat([Buffer.from('['), u32(v.length), ...v.map(value)]);
  const keys = Object.keys(v).map((key) => [Buffer.from(key), v[key]])
    .sort((left, right) => Buffer.compare(left[0], right[0]));
  return Buffer.concat([Buffer.from('{'), u32(keys.length),
    ...keys.flatMap(([key, member]) => [field(':', key), value(member)])]);
}
const values = ['{"b":[1,null,true],"a":"é\\n"}', '{"é":1,"z":2,"":false,"za":-7}', '"\\u0000"',
  '[]', '{}', '[[],{"a":{}}]', '"𝄞"'];

writeFileSync(new URL('proof.json', import.meta.url), JSON.stringify({
  files: [1, 2, 3, 4].map(plain).concat(merged()),
  values: values.map((json) => ({ json, digest: hex(sha256(value(JSON.parse(json)))) })),
}, null, 1) + '\n');
