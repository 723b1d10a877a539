// SPDX-License-Identifier: Apache-2.0
// A second implementation of docs/records.md, to make the test vectors beside it:
//     node src/record/vectors/make.mjs
// It shares no code with the program. Rewrites the JSON files in its own folder.
import { createCipheriv, createHash, createHmac, hkdfSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const u8 = (n) => Buffer.from([n]);
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; };
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const hkdf = (key, salt, info) => Buffer.from(hkdfSync('sha256', key, salt, info, 32));
const label = (text) => Buffer.concat([u8(text.length), Buffer.from(text)]);
// Bytes that look random and are the same at each run.
const draw = (name, length = 32) => {
  let out = Buffer.alloc(0);
  for (let i = 0; out.length < length; i++)
    out = Buffer.concat([out,
      createHmac('sha256', 'aceso vectors').update(`${name} ${i}`).digest()]);
  return out.subarray(0, length);
};

const contextBytes = (c) => Buffer.concat([u64(c.chainId), c.contract, c.patient, c.hospital]);
const epochBytes = (e) => Buffer.concat([u32(e.e), u32(e.n)]);
const placeBytes = (p) => Buffer.concat([p.record, u32(p.version), u8(p.level), u32(p.index)]);

function ladder(context, epoch, key4) {
  const keys = [null, null, null, key4];
  for (let level = 3; level >= 1; level--)
    keys[level - 1] = hkdf(keys[level], Buffer.alloc(0), Buffer.concat([
      label('aceso record ladder v1'), u64(context.chainId), context.patient, context.hospital,
      epochBytes(epoch), u8(level)]));
  return keys;
}

function padded(length) {
  const need = 37 + length;
  if (need <= 256) return 256;
  const exponent = Math.floor(Math.log2(need));
  const digits = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - digits);
  return Math.ceil(need / step) * step;
}

function seal(context, epoch, place, key, seed, salt, bytes) {
  const bound = Buffer.concat([contextBytes(context), epochBytes(epoch), placeBytes(place)]);
  const partKey = hkdf(key, seed, Buffer.concat([label('aceso record part v1'), bound]));
  const payload = Buffer.alloc(padded(bytes.length));
  Buffer.concat([u8(1), salt, u32(bytes.length), bytes]).copy(payload);
  const cipher = createCipheriv('aes-256-gcm', partKey, Buffer.alloc(12));
  cipher.setAAD(Buffer.concat([u8(1), bound]));
  const text = Buffer.concat([cipher.update(payload), cipher.final()]);
  return { partKey, sealed: Buffer.concat([u8(1), seed, text, cipher.getAuthTag()]) };
}

const commit = (c, place, salt, bytes) => sha256(u8(0), salt, u64(c.chainId), c.patient, c.hospital,
  placeBytes(place), u32(bytes.length), bytes);

// RFC 6962, section 2.1, by its recursive definition.
const split = (n) => { let k = 1; while (2 * k < n) k *= 2; return k; };
function root(leaves) {
  if (leaves.length === 1) return leaves[0];
  const k = split(leaves.length);
  return sha256(u8(1), root(leaves.slice(0, k)), root(leaves.slice(k)));
}
function path(index, leaves) {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...path(index, leaves.slice(0, k)), root(leaves.slice(k))]
    : [...path(index - k, leaves.slice(k)), root(leaves.slice(0, k))];
}
const proof = (batch, index, leaves) => Buffer.concat(
  [u8(1), u64(batch), u32(leaves.length), u32(index), ...path(index, leaves)]);

function row(context, epoch, place, sealed, proved) {
  const body = Buffer.concat([context.patient, place.record, u32(place.version), u8(place.level),
    epochBytes(epoch), u32(sealed.length), sealed, u32(proved.length), proved]);
  return Buffer.concat([u32(body.length), body]);
}

// Patches, for texts whose numbers JavaScript writes as they are.
function apply(lower, patch) {
  const [[kind, value]] = Object.entries(patch);
  if (kind === '=') return value;
  if (kind === 'o')
    return Object.fromEntries(value.map(([key, change]) =>
      [key, change === null ? lower[key] : apply(lower[key], change)]));
  return value.map((item) => typeof item === 'number' ? lower[item]
    : Array.isArray(item) ? apply(lower[item[0]], item[1]) : apply(undefined, item));
}

const patches = {
  good: [
    { lower: null, patch: '{"=":{"a":1}}', upper: '{"a":1}' },
    { lower: '{"a":1}', patch: '{"o":[["b",{"=":2}],["a",null]]}', upper: '{"b":2,"a":1}' },
    { lower: '{"a":1,"b":2}', patch: '{"o":[["b",null]]}', upper: '{"b":2}' },
    { lower: '{"a":{"b":"x"}}', patch: '{"o":[["a",{"o":[["b",null],["c",{"=":[]}]]}]]}',
      upper: '{"a":{"b":"x","c":[]}}' },
    { lower: '{"a":{"b":"x"}}', patch: '{"o":[["a",{"=":null}]]}', upper: '{"a":null}' },
    { lower: '["p","q","r"]', patch: '{"a":[{"=":"o"},0,{"=":"z"},2]}',
      upper: '["o","p","z","r"]' },
    { lower: '[{"a":1},{"b":2}]', patch: '{"a":[[0,{"o":[["a",null],["c",{"=":3}]]}],1]}',
      upper: '[{"a":1,"c":3},{"b":2}]' },
    { lower: '[[1],[2]]', patch: '{"a":[[1,{"a":[0,{"=":true}]}]]}', upper: '[[2,true]]' },
    { lower: '"x"', patch: '{"=":"\\u0000\\n\\"é"}', upper: '"\\u0000\\n\\"é"' },
    { lower: '{}', patch: '{"o":[]}', upper: '{}' },
  ],
  // The text of numbers is kept: not checked by this program, whose numbers are doubles.
  numbers: [
    { lower: '{"v":0.010}', patch: '{"o":[["v",null],["w",{"=":1.000E-245}]]}',
      upper: '{"v":0.010,"w":1.000E-245}' },
    { lower: '[1.0,-0,12345678901234567890]', patch: '{"a":[0,1,2,{"=":1e+2}]}',
      upper: '[1.0,-0,12345678901234567890,1e+2]' },
  ],
  refused: [
    { why: 'no lower view to change', lower: null, patch: '{"o":[]}' },
    { why: 'no lower view to change', lower: null, patch: '{"a":[]}' },
    { why: 'not an object', lower: '{}', patch: '[]' },
    { why: 'two members', lower: '{}', patch: '{"=":1,"o":[]}' },
    { why: 'empty', lower: '{}', patch: '{}' },
    { why: 'unknown change', lower: '{}', patch: '{"x":[]}' },
    { why: 'keeps what is not there', lower: '{"a":1}', patch: '{"o":[["b",null]]}' },
    { why: 'changes what is not there', lower: '{"a":1}', patch: '{"o":[["b",{"o":[]}]]}' },
    { why: 'a key twice', lower: '{"a":1}', patch: '{"o":[["a",null],["a",null]]}' },
    { why: 'a key twice in the lower view', lower: '{"a":1,"a":2}', patch: '{"o":[["a",null]]}' },
    { why: 'a member of three', lower: '{"a":1}', patch: '{"o":[["a",null,1]]}' },
    { why: 'a key that is no string', lower: '{"a":1}', patch: '{"o":[[1,null]]}' },
    { why: 'object on an array', lower: '[]', patch: '{"o":[]}' },
    { why: 'array on an object', lower: '{}', patch: '{"a":[]}' },
    { why: 'index past the end', lower: '[1]', patch: '{"a":[1]}' },
    { why: 'index twice', lower: '[1]', patch: '{"a":[0,0]}' },
    { why: 'indices fall', lower: '[1,2]', patch: '{"a":[1,0]}' },
    { why: 'negative index', lower: '[1]', patch: '{"a":[-1]}' },
    { why: 'index with a fraction', lower: '[1]', patch: '{"a":[0.0]}' },
    { why: 'huge index', lower: '[1]', patch: '{"a":[99999999999999999999]}' },
    { why: 'index as text', lower: '[1]', patch: '{"a":["0"]}' },
    { why: 'element of three', lower: '[1]', patch: '{"a":[[0,{"=":1},2]]}' },
    { why: 'new element that changes', lower: '[[]]', patch: '{"a":[{"a":[]}]}' },
    { why: 'not JSON', lower: '{}', patch: '{"=":' },
    { why: 'trailing bytes', lower: '{}', patch: '{"=":1} x' },
    { why: 'lower view is not JSON', lower: '{', patch: '{"=":1}' },
  ],
};
for (const { lower, patch, upper } of patches.good) {
  const from = lower === null ? undefined : JSON.parse(lower);
  const made = JSON.stringify(apply(from, JSON.parse(patch)));
  if (made !== JSON.stringify(JSON.parse(upper))) throw new Error(`patch ${patch} makes ${made}`);
}

const context = { chainId: 31337, contract: draw('contract', 20), patient: draw('patient', 20),
  hospital: draw('hospital', 20) };
const epoch = { e: 3, n: 7 };
const keys = ladder(context, epoch, draw('K_4'));

// One batch of three records, each with four parts of many sizes.
const texts = [
  ['{"=":{"resourceType":"Condition"}}', '', '', '{"o":[["resourceType",null],["id",{"=":"x"}]]}'],
  ['', '', '', '{"=":{"resourceType":"Basic"}}'],
  ['{"=":"' + 'a'.repeat(207) + '"}', '{"=":"' + 'b'.repeat(220) + '"}',
    '{"=":"' + 'c'.repeat(1000) + '"}', '{"=":"' + 'd'.repeat(5000) + '"}'],
];
const parts = [];
texts.forEach((levels, position) => levels.forEach((text, slot) => {
  const place = { record: Buffer.concat([u32(1), u32(position), draw(`record ${position}`, 8)]),
    version: 1, level: slot + 1, index: 4 * position + slot };
  const bytes = Buffer.from(text);
  const salt = draw(`salt ${place.index}`), seed = draw(`seed ${place.index}`);
  parts.push({ place, bytes, salt, seed, leaf: commit(context, place, salt, bytes),
    ...seal(context, epoch, place, keys[slot], seed, salt, bytes) });
}));
const leaves = parts.map((part) => part.leaf);
const proofs = leaves.map((_, index) => proof(1, index, leaves));
const stream = Buffer.concat([u8(1), ...parts.map((part, i) =>
  row(context, epoch, part.place, part.sealed, proofs[i])), u32(0), u64(parts.length)]);

// Objects as a cloud keeps them (docs/cloud.md); the last record takes two.
const cloud = { secret: draw('cloud secret'), address: draw('cloud address', 20) };
const cloudKey = (what) => hkdf(cloud.secret, cloud.address, Buffer.from(`aceso cloud ${what} v1`));
const nameKey = cloudKey('name'), sealKey = cloudKey('seal');
const PIECE = 262144 - 44;
const objects = [];
function keep(record, version, generation, sizes) {
  const levels = sizes.map((size, i) => draw(`${hex(record)} ${i + 1}`, size));
  const content = Buffer.concat([u8(1), ...levels.flatMap((one) => [u32(one.length), one])]);
  for (let piece = 0; piece * PIECE < content.length; piece++) {
    const slice = content.subarray(piece * PIECE, (piece + 1) * PIECE);
    const name = createHmac('sha256', nameKey).update(Buffer.concat(
      [u8(1), context.patient, record, u32(version), u32(piece)])).digest();
    let size = 2048;
    while (size < 44 + slice.length) size *= 2;
    const plain = Buffer.alloc(size);
    Buffer.concat([name, u64(generation), u32(slice.length), slice]).copy(plain);
    const seed = draw(`object ${objects.length}`);
    const cipher = createCipheriv('aes-256-gcm',
      hkdf(sealKey, seed, Buffer.from('aceso cloud object v1')), Buffer.alloc(12));
    cipher.setAAD(u8(1));
    const text = Buffer.concat([cipher.update(plain), cipher.final()]);
    const object = Buffer.concat([u8(1), seed, text, cipher.getAuthTag()]);
    objects.push({ record: hex(record), version, piece, generation, name: hex(name),
      seed: hex(seed), parts: sizes, slice: slice.length,
      contentSha256: hex(sha256(content)), size: object.length, sha256: hex(sha256(object)) });
  }
}
keep(draw('one', 16), 1, 1, [305, 305, 305, 305]);
keep(draw('two', 16), 1, 3, [305, 321, 1137, 5169]);
keep(draw('three', 16), 2, 2 ** 40, [305, 1137, 305, 300000]);

// The public reference leaves of certificate transparency, to tie the tree to RFC 6962.
const ct = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657',
  '606162636465666768696a6b6c6d6e6f'].map((text) => sha256(u8(0), Buffer.from(text, 'hex')));

const write = (name, value) =>
  writeFileSync(new URL(name, import.meta.url), JSON.stringify(value, null, 1) + '\n');
write('patch.json', patches);
write('merkle.json', ct.map((_, i) => ct.slice(0, i + 1)).map((some) => ({
  leaves: some.map(hex), root: hex(root(some)),
  paths: some.map((_, i) => path(i, some).map(hex)) })));
write('object.json', { secret: hex(cloud.secret), cloud: hex(cloud.address),
  nameKey: hex(nameKey), sealKey: hex(sealKey), patient: hex(context.patient), objects });
write('batch.json', {
  context: { chainId: context.chainId, contract: hex(context.contract),
    patient: hex(context.patient), hospital: hex(context.hospital) },
  epoch, keys: keys.map(hex),
  batch: { number: 1, previousRoot: '00'.repeat(32), root: hex(root(leaves)), records: texts.length,
    leaves: leaves.length },
  parts: parts.map((part, i) => ({ record: hex(part.place.record), version: part.place.version,
    level: part.place.level, index: part.place.index, text: part.bytes.toString(),
    salt: hex(part.salt), seed: hex(part.seed), key: hex(part.partKey),
    // A long one by its digest, to keep the file short.
    ...(part.sealed.length > 2000 ? { sealedSha256: hex(sha256(part.sealed)) }
      : { sealed: hex(part.sealed) }),
    leaf: hex(part.leaf), proof: hex(proofs[i]) })),
  stream: { bytes: stream.length, sha256: hex(sha256(stream)) },
});
