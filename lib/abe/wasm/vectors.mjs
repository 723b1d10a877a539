// SPDX-License-Identifier: Apache-2.0
// The test vectors through the WebAssembly module, in Node. Prints TAP.
//     node vectors.mjs MODULE VECTORS
import { readFileSync } from "node:fs";

const [modulePath, vectorsPath] = process.argv.slice(2);
const vectors = JSON.parse(readFileSync(vectorsPath, "utf8"));
const { instance } = await WebAssembly.instantiate(readFileSync(modulePath), {});
const abe = instance.exports;
const start = abe.abe_memory();
let next = start;

const hex = (bytes) => Buffer.from(bytes).toString("hex");

// Puts bytes into the module's memory: [address, length].
function put(bytes) {
  const at = next;
  new Uint8Array(abe.memory.buffer, at, bytes.length).set(bytes);
  next += (bytes.length + 7) & ~7;
  return [at, bytes.length];
}
const fromHex = (text) => put(Buffer.from(text, "hex"));
const fromText = (text) => put(Buffer.from(text, "ascii"));
const room = (length) => put(new Uint8Array(length))[0];
const get = (at, length) => hex(new Uint8Array(abe.memory.buffer, at, length));

function keys() {
  const good = [];
  for (const each of vectors.attributes) {
    next = start;
    const [seed] = fromHex(each.seed);
    const name = fromText(each.attribute);
    const gid = fromHex(vectors.gid);
    const out = room(512);
    let length = abe.abe_setup(seed, ...name, out);
    good.push(get(out, length) === each.public_key);
    good.push(abe.abe_add_public_key(out, length) === 0);
    length = abe.abe_keygen(seed, ...name, ...gid, out);
    good.push(get(out, length) === each.user_key);
    good.push(abe.abe_add_user_key(out, length) === 0);
  }
  return good.every(Boolean);
}

function header(each) {
  next = start;
  const cca = each.form === "cca";
  const policy = fromText(each.policy);
  const context = each.context_hex ? fromHex(each.context_hex) : fromText(each.context);
  const [secret] = fromHex(cca ? each.sigma : each.seed);
  const key = room(32);
  const out = room(1 << 16);
  const length = abe.abe_encapsulate(cca, ...policy, ...context, secret, out, key);
  if (length === 0 || get(key, 32) !== each.key) return "made another key";
  const body = each.rows.map((row) => row.C1_torus + row.C2 + row.C3).join("");
  const head = hex(Buffer.from(each.canonical, "ascii"));
  if (get(out + 7, length - 7) !== head + body + each.tail) return "made another header";
  const opened = room(32);
  const code = abe.abe_decapsulate(out, length, ...context, opened);
  if (code !== 0 || get(opened, 32) !== each.key) return `opening gave ${code}`;
  new Uint8Array(abe.memory.buffer)[out + length - 1] ^= 1;
  return abe.abe_decapsulate(out, length, ...context, opened) === -10 ? "" : "took a changed one";
}

const headers = [...vectors.headers, ...vectors.ciphertexts.map((each) => each.header)];
console.log(`1..${headers.length + 1}`);
const madeKeys = keys();
console.log(`${madeKeys ? "ok" : "not ok"} 1 - keys`);
let failed = madeKeys ? 0 : 1;
headers.forEach((each, index) => {
  const reason = header(each);
  if (reason) failed++;
  console.log(`${reason ? "not ok" : "ok"} ${index + 2} - ${each.form} ${each.policy} ${reason}`);
});
process.exit(failed ? 1 : 0);
