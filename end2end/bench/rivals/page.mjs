// What a page does with each system: pull everything, edit and sync, sync with nothing to do. It knows each system's own
// way; times are milliseconds inside the page.
import { addRxPlugin, createRxDatabase } from 'rxdb/plugins/core';
import { replicateRxCollection } from 'rxdb/plugins/replication';
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie';

import { OURS, PAGE } from './cases.mjs';

void addRxPlugin;

async function timed(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function json(path, body) {
  const how = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(path, how);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

const pageAfter = (after, limit) =>
  json(`/page?limit=${limit}${after ? `&id=${after.id}&updated_at=${after.updated_at}` : ''}`);

function assertCount(there, wanted) {
  if (there !== wanted) throw new Error(`${there} cases are there, not ${wanted}`);
}

// ---- Rows of IndexedDB and nothing around them.
const raw = {
  async open() {
    this.db = await new Promise((done, failed) => {
      const asked = indexedDB.open('raw', 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore('row', { keyPath: 'id' });
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
  },
  pull(count) {
    return timed(async () => {
      let after;
      let there = 0;
      for (;;) {
        const { documents, checkpoint } = await pageAfter(after, PAGE);
        if (documents.length === 0) break;
        const tx = this.db.transaction(['row'], 'readwrite', { durability: 'relaxed' });
        const store = tx.objectStore('row');
        for (const document of documents) store.put(document);
        await new Promise((done, failed) => {
          tx.oncomplete = done;
          tx.onabort = () => failed(tx.error);
        });
        there += documents.length;
        after = checkpoint;
      }
      assertCount(there, count);
    });
  },
  close() {
    this.db.close();
  },
};

// ---- RxDB on Dexie.
const schema = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 40 },
    ...Object.fromEntries(
      ['code', 'full_name', 'sex', 'phone', 'village', 'home', 'tile', 'what_happened', 'health', 'household', 'urgency',
        'status', 'consent', 'confidentiality', 'author'].map((name) => [name, { type: 'string' }]),
    ),
    approximate_age: { type: 'integer' },
    recorded_at: { type: 'integer' },
    updated_at: { type: 'integer' },
  },
};

const rxdb = {
  async open(name = 'rx') {
    this.db = await createRxDatabase({ name, storage: getRxStorageDexie(), multiInstance: false, eventReduce: true });
    await this.db.addCollections({ cases: { schema } });
    return this;
  },
  async sync() {
    const replication = replicateRxCollection({
      collection: this.db.cases,
      replicationIdentifier: 'office',
      live: false,
      waitForLeadership: false,
      retryTime: 1_000_000,
      pull: { batchSize: PAGE, handler: (after, limit) => pageAfter(after, limit) },
      push: { batchSize: PAGE, handler: (changes) => json('/take', changes) },
    });
    let failed;
    replication.error$.subscribe((error) => { failed ??= error; });
    await Promise.race([
      replication.awaitInitialReplication(),
      new Promise((_, reject) => replication.error$.subscribe(reject)),
    ]);
    if (failed) throw failed;
  },
  async pull(count) {
    const took = await timed(() => this.sync());
    assertCount(await this.db.cases.count().exec(), count);
    return took;
  },
  async edit(field, step, count, text) {
    const all = await this.db.cases.find({ sort: [{ id: 'asc' }] }).exec();
    const some = all.filter((_, i) => i % step === 0).slice(0, count);
    for (const [i, document] of some.entries()) await document.incrementalPatch({ [field]: text(i) });
  },
  push() {
    return timed(() => this.sync());
  },
  async lost(field, step, count, text) {
    const all = await this.db.cases.find({ sort: [{ id: 'asc' }] }).exec();
    const some = all.filter((_, i) => i % step === 0).slice(0, count);
    return some.filter((document, i) => document[field] !== text(i)).length;
  },
  async close() {
    await this.db.close();
  },
};

// ---- PouchDB.
const { PouchDB } = globalThis;
const pouch = {
  async open(name = 'pouch') {
    this.db = new PouchDB(name, { auto_compaction: true });
    this.remote = new PouchDB(`${location.origin}/couch/cases`);
    return this;
  },
  async sync() {
    const done = await this.db.sync(this.remote, { batch_size: PAGE });
    for (const way of [done.push, done.pull]) {
      if (!way.ok || way.errors.length > 0) throw new Error(JSON.stringify(way));
    }
    return done;
  },
  async pull(count) {
    let moved;
    const took = await timed(async () => {
      moved = await this.db.replicate.from(this.remote, { batch_size: PAGE });
    });
    assertCount(moved.docs_written, count);
    assertCount((await this.db.info()).doc_count, count);
    return took;
  },
  async edit(field, step, count, text) {
    const { rows } = await this.db.allDocs({ include_docs: true });
    const some = rows.filter((_, i) => i % step === 0).slice(0, count);
    const kept = await this.db.bulkDocs(some.map(({ doc }, i) => ({ ...doc, [field]: text(i) })));
    if (kept.some((row) => !row.ok)) throw new Error('an edit was not kept');
  },
  push() {
    return timed(() => this.sync());
  },
  /** Of what somebody reads who asks for a document. */
  async lost(field, step, count, text) {
    const { rows } = await this.db.allDocs({ include_docs: true });
    const some = rows.filter((_, i) => i % step === 0).slice(0, count);
    return some.filter(({ doc }, i) => doc[field] !== text(i)).length;
  },
  async close() {
    await this.db.close();
  },
};

// ---- Ours.
const module = await import('/bench/phone.js');
await module.default({ module_or_path: '/bench/phone_bg.wasm' });

const ours = {
  async open(name, worker) {
    this.phone = await module.BenchPhone.open(name, worker, `case:${OURS}`);
    return this;
  },
  async pull(count) {
    let there;
    const took = await timed(async () => { there = await this.phone.sync(); });
    assertCount(there, count);
    return took;
  },
  edit(field, step, count, seed) {
    return this.phone.edit(field, step, count, seed);
  },
  async push() {
    const took = await timed(() => this.phone.sync());
    assertCount(await this.phone.waiting(), 0);
    return took;
  },
  lost(field, step, count, seed) {
    return this.phone.lost(field, step, count, seed);
  },
  close() {
    this.phone.close();
  },
};

/** Puts `count` cases into the office in the name of a signed-in worker. */
async function fill(count, worker, log, village) {
  for (let first = 0; first < count; first += 100) {
    const cases = await json(`/cases?first=${first}&limit=100`);
    const body = module.opening(JSON.stringify(cases.map((one) => ({ ...one, village }))), worker, log);
    const answer = await fetch('/api/push', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const verdicts = await answer.json();
    if (!Array.isArray(verdicts) || verdicts.some((verdict) => !verdict.accepted)) throw new Error(JSON.stringify(verdicts).slice(0, 500));
  }
}

/** From here on nothing is sealed: what WebCrypto is given comes back as it is, with room for a tag. */
function unseal() {
  const { subtle } = crypto;
  const bytes = (data) => (ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data));
  SubtleCrypto.prototype.encrypt = function encrypt(_, __, data) {
    const plain = bytes(data);
    const whole = new Uint8Array(plain.length + 16);
    whole.set(plain);
    return Promise.resolve(whole.buffer);
  };
  SubtleCrypto.prototype.decrypt = function decrypt(_, __, data) {
    return Promise.resolve(bytes(data).slice(0, -16).buffer);
  };
  void subtle;
}

Object.assign(globalThis, { bench: { raw, rxdb, pouch, ours, fill, unseal, json } });
