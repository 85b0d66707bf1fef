// The other end of every system that `sync.bench.ts` measures, on one port: pages of rows, RxDB's checkpoints, a CouchDB in
// memory, and the office's own answers. It knows how each of them talks, and counts what passes.
//
//   node server.mjs CASES OFFICE   prints its port
//
// The office's answers are first passed through from OFFICE and kept; after POST /replay they are given from memory, so that
// no system waits for a server that has more to do than another's.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, request as ask } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { build } from 'esbuild';

import { documents, PAGE } from './cases.mjs';

const [, , count, office, village, folder] = process.argv;
const all = documents(Number(count), village ?? '');
const require = createRequire(import.meta.url);
const here = import.meta.dirname;

// ---- RxDB and plain rows: all rows by (updated_at, id), cut where it is asked.
const rows = new Map(all.map((row) => [row.id, row]));
const order = [...all];
let pages = new Map();

function page(after, limit) {
  const key = `${after?.updated_at ?? 0} ${after?.id ?? ''} ${limit}`;
  let text = pages.get(key);
  if (text === undefined) {
    const first = after
      ? order.findIndex((row) => row.updated_at > after.updated_at || (row.updated_at === after.updated_at && row.id > after.id))
      : 0;
    const documents = first < 0 ? [] : order.slice(first, first + limit);
    const last = documents.at(-1);
    const checkpoint = last ? { id: last.id, updated_at: last.updated_at } : after;
    text = JSON.stringify({ documents, checkpoint });
    pages.set(key, text);
  }
  return text;
}

/** Takes a row unless somebody else was faster, as RxDB's protocol has it; answers with the rows that stand instead. */
function take(changes) {
  const conflicts = [];
  for (const { newDocumentState: next, assumedMasterState: seen } of changes) {
    const known = rows.get(next.id);
    if (known && (!seen || known.updated_at !== seen.updated_at)) {
      conflicts.push(known);
      continue;
    }
    const taken = { ...next, updated_at: (order.at(-1)?.updated_at ?? 0) + 1 };
    delete taken._meta;
    if (known) order.splice(order.indexOf(known), 1);
    order.push(taken);
    rows.set(next.id, taken);
  }
  pages = new Map();
  return conflicts;
}

function reset() {
  order.splice(0, Infinity, ...all);
  rows.clear();
  for (const row of all) rows.set(row.id, row);
  pages = new Map();
}

// ---- A CouchDB: express 4 and PouchDB in memory.
const express = require('express');
const PouchDB = require('pouchdb').plugin(require('pouchdb-adapter-memory'));
const Memory = PouchDB.defaults({ adapter: 'memory' });
const couch = express();
couch.use('/couch', require('express-pouchdb')(Memory, { mode: 'minimumForPouchDB', logPath: '/dev/null' }));
const cases = new Memory('cases');
for (let first = 0; first < all.length; first += 1000) {
  await cases.bulkDocs(all.slice(first, first + 1000).map(({ id, ...row }) => ({ _id: id, ...row })));
}

// ---- The office.
const kept = new Map();
let replays = false;

/** A request without what differs from phone to phone. */
function keyOf(path, body) {
  if (path === '/api/push') {
    const { batch } = JSON.parse(body);
    return createHash('sha256').update(JSON.stringify(batch.changes.map(({ id }) => id))).digest('hex');
  }
  const { request } = JSON.parse(body);
  return JSON.stringify([request.cursors, request.briefing]);
}

function answerAsOffice(incoming, answer, body) {
  const called = incoming.url === '/api/push' || incoming.url === '/api/pull';
  const key = called ? keyOf(incoming.url, body) : '';
  if (replays && called) {
    const known = kept.get(key);
    if (known) answer.writeHead(200, known.headers).end(known.bytes);
    else answer.writeHead(404).end(`nothing was kept for ${incoming.url} ${key}`);
    return;
  }
  const to = new URL(office);
  const passed = ask({ host: to.hostname, port: to.port, path: incoming.url, method: incoming.method, headers: incoming.headers });
  passed.on('response', async (came) => {
    const pieces = [];
    for await (const piece of came) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    const headers = { ...came.headers };
    delete headers['transfer-encoding'];
    headers['content-length'] = bytes.length;
    if (called && came.statusCode === 200) {
      kept.set(key, { bytes, headers: { 'content-type': headers['content-type'], 'content-encoding': headers['content-encoding'] ?? 'identity', 'content-length': bytes.length } });
    }
    answer.writeHead(came.statusCode, headers).end(bytes);
  });
  passed.on('error', () => answer.writeHead(502).end());
  passed.end(body);
}

// ---- Files.
const bundle = await build({ entryPoints: [join(here, 'page.mjs')], bundle: true, format: 'esm', write: false, minify: true, external: ['/bench/*'] });
const files = new Map([
  ['/', ['text/html', '<!doctype html><title>bench</title><script src="/pouchdb.js"></script><script type="module" src="/page.js"></script>']],
  ['/page.js', ['text/javascript', bundle.outputFiles[0].contents]],
  ['/pouchdb.js', ['text/javascript', await readFile(require.resolve('pouchdb/dist/pouchdb.min.js'))]],
  ['/bench/phone.js', ['text/javascript', await readFile(join(folder, 'phone.js'))]],
  ['/bench/phone_bg.wasm', ['application/wasm', await readFile(join(folder, 'phone_bg.wasm'))]],
]);

// ---- What passed since the last look.
let requests = 0;
const sockets = new Map();
const passed = () => [...sockets.values()].reduce((sum, bytes) => sum + bytes, 0);
let before = 0;

const server = createServer(async (incoming, answer) => {
  const path = incoming.url.split('?')[0];
  const json = (value) => answer.writeHead(200, { 'content-type': 'application/json' }).end(value);
  if (path === '/counted') {
    const now = total();
    const said = JSON.stringify({ requests, bytes: now - before });
    json(said);
    requests = 0;
    before = now;
    return;
  }
  requests += 1;
  if (path.startsWith('/couch')) {
    // Everything it keeps besides the cases is of one replication.
    couch(incoming, answer);
    return;
  }
  const pieces = [];
  for await (const piece of incoming) pieces.push(piece);
  const body = Buffer.concat(pieces).toString();
  const query = new URL(incoming.url, 'http://x').searchParams;
  if (path === '/page') json(page(query.get('id') ? { id: query.get('id'), updated_at: Number(query.get('updated_at')) } : undefined, Number(query.get('limit'))));
  else if (path === '/take') json(JSON.stringify(take(JSON.parse(body))));
  else if (path === '/cases') json(JSON.stringify(all.slice(Number(query.get('first')), Number(query.get('first')) + Number(query.get('limit')))));
  else if (path === '/reset') { reset(); json('{}'); }
  else if (path === '/replay') { replays = JSON.parse(body); json('{}'); }
  else if (path.startsWith('/api/')) answerAsOffice(incoming, answer, body);
  else if (files.has(path)) answer.writeHead(200, { 'content-type': files.get(path)[0] }).end(files.get(path)[1]);
  else answer.writeHead(404).end();
});
function total() {
  for (const socket of open) sockets.set(socket, socket.bytesRead + socket.bytesWritten);
  return passed();
}
const open = new Set();
server.on('connection', (socket) => {
  open.add(socket);
  socket.on('close', () => {
    sockets.set(socket, socket.bytesRead + socket.bytesWritten);
    open.delete(socket);
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
