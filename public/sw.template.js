// Keeps one whole build of the field app on the device and opens it without network.
// Knows files by name and hash, and that sealed letters lie in some databases; refuses to touch anything the office
// answers about people.
const BUILD = '{{build}}';
const CACHE = `cau-noi-${BUILD}`;
/** Path of each file of this build, and the sha256 of its bytes. */
const FILES = {{files}};
const DOCUMENT = '/';
/** First segments of the field app's routes; the office's table of routes has the same. */
const FIELD_ROUTES = ['', 'login', 'today', 'cases', 'referrals', 'emergency', 'sync', 'more', 'person'];

self.addEventListener('install', (event) => event.waitUntil(keepAll()));

self.addEventListener('activate', (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith('cau-noi-') && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
})()));

self.addEventListener('message', (event) => {
  if (event.data === 'take-over') self.skipWaiting();
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    if (FIELD_ROUTES.includes(url.pathname.split('/')[1])) event.respondWith(kept(DOCUMENT, request));
  } else if (Object.hasOwn(FILES, url.pathname)) {
    event.respondWith(kept(url.pathname, request));
  }
});

// The network is back while the app is closed.
self.addEventListener('sync', (event) => {
  if (event.tag === 'letters') event.waitUntil(bringLetters());
});

/** Letters of a call, and their length together: what the office takes at once. */
const LETTERS = 20;
const LETTER_BYTES = 200 * 1024;
/** How long a letter rests that the office did not take, once and then each time. */
const RESTS_MS = [3_600_000, 86_400_000];
/** What this phone carries for others. */
const COURIER = 'caunoi-courier';

async function bringLetters() {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  // An open app sends by itself, and is told what is wrong with what it sends.
  if (windows.some((window) => window.visibilityState === 'visible')) return;
  let failed;
  for (const { name } of await indexedDB.databases()) {
    if (name !== COURIER && !/^caunoi-[0-9a-f]{32}$/.test(name ?? '')) continue;
    try {
      const db = await opened(name);
      try {
        if (db.objectStoreNames.contains('letter')) await bringFrom(db, name === COURIER);
      } finally {
        db.close();
      }
    } catch (error) {
      // Nobody's letters wait for somebody else's.
      failed = error;
    }
  }
  // The browser wakes this worker again.
  if (failed) throw failed;
}

/**
 * Sends what waits, in its order; whatever fails, the browser wakes this worker again later. A letter that is not as it
 * should be takes no other with it: what the office does not read as a whole is offered one by one.
 */
async function bringFrom(db, carried) {
  let waiting = await waitingLetters(db, carried);
  let [most, arrived] = [LETTERS, 0];
  let doubtful = [];
  while (waiting.length > 0) {
    let [bytes, count] = [0, 0];
    while (count < Math.min(most, waiting.length) && (count === 0 || bytes + waiting[count].row.text.length <= LETTER_BYTES)) {
      bytes += waiting[count].row.text.length;
      count += 1;
    }
    const some = waiting.slice(0, count);
    const answer = await fetch('/api/letters', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: `{"letters":[${some.map(({ row }) => row.text).join(',')}]}`,
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
    });
    const unread = answer.status === 400 || answer.status === 413;
    if (!answer.ok && !unread) throw new Error(`letters: ${answer.status}`);
    if (unread && some.length > 1) {
      most = 1;
      continue;
    }
    waiting = waiting.slice(some.length);
    if (unread) {
      doubtful.push(...some);
    } else {
      const { kept, slip } = await answer.json();
      const have = some.filter((_, at) => kept[at]);
      arrived += have.length;
      await note(db, have, () => ({ kept: Date.now(), slip: slip && JSON.stringify(slip) }));
      await note(db, some.filter((_, at) => kept[at] === false), resting);
    }
    // The office takes others: those it did not read are at fault themselves.
    if (arrived > 0) {
      await note(db, doubtful, resting);
      doubtful = [];
    }
  }
  // Some proxy on the way is speaking.
  if (doubtful.length > 0) throw new Error('letters: not read');
}

/** What is written of a letter that the office did not take. */
function resting({ tries = 0 }) {
  return { tries: tries + 1, later: Date.now() + RESTS_MS[Math.min(tries, 1)] };
}

/** Letters of changes that nobody has answered yet; in the courier's database, all that have not arrived. */
async function waitingLetters(db, carried) {
  const transaction = db.transaction(['letter', 'outbox']);
  const letters = transaction.objectStore('letter');
  const [ids, rows, outbox] = await Promise.all([
    asked(letters.getAllKeys()),
    asked(letters.getAll()),
    asked(transaction.objectStore('outbox').getAll()),
  ]);
  const queued = new Set(outbox.filter(({ state }) => state === 0).map(({ id }) => id));
  return ids
    .map((id, at) => ({ id, row: rows[at] }))
    .filter(({ id, row }) => typeof row?.text === 'string' && row.kept === undefined && !rests(row) && (carried || queued.has(id)))
    .sort((one, other) => one.row.n - other.row.n);
}

/** Whether the office did not take it lately; one that rests longer than any does was told so by a clock that was wrong. */
function rests({ later }) {
  return later > Date.now() && later <= Date.now() + RESTS_MS[1];
}

/** Writes down how it went with letters; one that the app has let go or sealed anew meanwhile is not written again. */
async function note(db, brought, went) {
  const transaction = db.transaction('letter', 'readwrite');
  const letters = transaction.objectStore('letter');
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  for (const { id, row } of brought) {
    if ((await asked(letters.get(id)))?.text === row.text) letters.put({ ...row, ...went(row) }, id);
  }
  await done;
}

/** A database as the app has made it; never a new one. */
function opened(name) {
  const opening = indexedDB.open(name);
  opening.onupgradeneeded = () => opening.transaction.abort();
  return asked(opening).then((db) => {
    db.onversionchange = () => db.close();
    return db;
  });
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function kept(path, request) {
  const found = await caches.match(path, { cacheName: CACHE });
  return found ?? fetch(request);
}

/** All of the build or nothing: a failure leaves the build before in charge. */
async function keepAll() {
  const cache = await caches.open(CACHE);
  try {
    await Promise.all([keepDocument(cache), ...Object.keys(FILES).map((path) => keepFile(cache, path))]);
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

/** The page has just loaded these files, so that the browser's own cache answers. */
async function keepFile(cache, path) {
  for (const mode of ['default', 'reload']) {
    const response = await fetch(path, { cache: mode, redirect: 'error' });
    if (response.ok && await sha256(response.clone()) === FILES[path]) {
      await cache.put(path, response);
      return;
    }
  }
  throw new Error(`${path} is not the file of build ${BUILD}`);
}

async function keepDocument(cache) {
  const response = await fetch(DOCUMENT, { cache: 'no-cache', redirect: 'error', credentials: 'omit' });
  const text = await response.clone().text();
  if (!response.ok || !text.includes(`data-build="${BUILD}"`)) {
    throw new Error(`the document is not the one of build ${BUILD}`);
  }
  await cache.put(DOCUMENT, response);
}

async function sha256(response) {
  const hash = await crypto.subtle.digest('SHA-256', await response.arrayBuffer());
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// ---- Calls to whoever is on duty. A call brings nothing but itself, and the notice names nobody, no place and no case.

self.addEventListener('push', (event) => event.waitUntil(Promise.all([
  self.registration.showNotification('Cầu Nối', {
    body: 'Có việc cần xem.', tag: 'can-xem', renotify: true, lang: 'vi', icon: '/icons/192.png', badge: '/icons/192.png',
  }),
  tellTabs('wake'),
])));

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(openQueue());
});

async function tabs() {
  const all = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  return all.filter((tab) => FIELD_ROUTES.includes(new URL(tab.url).pathname.split('/')[1]));
}

async function tellTabs(what) {
  for (const tab of await tabs()) tab.postMessage(what);
}

async function openQueue() {
  const [tab] = await tabs();
  if (!tab) return self.clients.openWindow('/referrals');
  // A browser that does not let itself be brought forward still shows the queue.
  await tab.focus().catch(() => {});
  tab.postMessage('queue');
}
