// Keeps one whole build of the field app on the device and opens it without network.
// Knows files by name and hash; refuses to touch anything the office answers about people.
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
