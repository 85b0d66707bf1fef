// What a newer version of the app leaves behind on a phone, for an older one to find.
import type { Phone } from './phone.ts';

export interface Store {
  name: string;
  version: number;
}

/** The notebooks on this phone; the roster of its people is not one of them. */
export async function notebooks(phone: Phone): Promise<Store[]> {
  const all = await phone.page.evaluate(() => indexedDB.databases());
  return all.flatMap(({ name, version }) => (name && version && /[0-9a-f]{8}/.test(name) ? [{ name, version }] : []));
}

/** Raises the version of the only notebook, as an update of the app would. Leaves the phone on a page without the app. */
export async function raise(phone: Phone): Promise<Store> {
  const [only, ...others] = await notebooks(phone);
  if (!only || others.length > 0) throw new Error('the phone holds not one notebook');
  const raised = { name: only.name, version: only.version + 1 };
  await phone.open('/logo.svg');
  await phone.page.evaluate(
    ({ name, version }) =>
      new Promise<void>((done, failed) => {
        const opening = indexedDB.open(name, version);
        opening.onerror = () => failed(opening.error);
        opening.onsuccess = () => {
          opening.result.close();
          done();
        };
      }),
    raised,
  );
  return raised;
}

/** The phone starts again, and nothing more fits on it: whatever is written from now on finds no room. */
export async function fillUp(phone: Phone): Promise<void> {
  // A browser that is running may go on for a while with the room it has counted before.
  await phone.restart();
  const session = await phone.context.newCDPSession(phone.page);
  await session.send('Storage.overrideQuotaForOrigin', { origin: phone.network.url, quotaSize: 1 });
}

/** How many bytes the draft called `name` takes in the only notebook; 0 when there is none. */
export async function draftBytes(phone: Phone, name: string): Promise<number> {
  const [only] = await notebooks(phone);
  if (!only) throw new Error('the phone holds no notebook');
  return phone.page.evaluate(
    ([database, name]) =>
      new Promise<number>((done, failed) => {
        const opening = indexedDB.open(database);
        opening.onerror = () => failed(opening.error);
        opening.onsuccess = () => {
          const reading = opening.result.transaction('draft').objectStore('draft').get(name);
          reading.onerror = () => failed(reading.error);
          reading.onsuccess = () => {
            opening.result.close();
            done((reading.result as Uint8Array | undefined)?.length ?? 0);
          };
        };
      }),
    [only.name, name] as const,
  );
}

/** Turns a bit of everything sealed that lies in `store` of the only notebook, as failing memory does. */
export async function damage(phone: Phone, store: 'bundle' | 'outbox'): Promise<void> {
  const [only, ...others] = await notebooks(phone);
  if (!only || others.length > 0) throw new Error('the phone holds not one notebook');
  const damaged = await phone.page.evaluate(
    ([name, store]) =>
      new Promise<number>((done, failed) => {
        const opening = indexedDB.open(name);
        opening.onerror = () => failed(opening.error);
        opening.onsuccess = () => {
          const transaction = opening.result.transaction(store, 'readwrite');
          const reading = transaction.objectStore(store).openCursor();
          let rows = 0;
          reading.onsuccess = () => {
            const at = reading.result;
            if (!at) return;
            const row = at.value as Uint8Array | { body: Uint8Array };
            const sealed = row instanceof Uint8Array ? row : row.body;
            const last = sealed.length - 1;
            sealed[last] = (sealed[last] ?? 0) ^ 1;
            at.update(row);
            rows += 1;
            at.continue();
          };
          transaction.onabort = () => failed(transaction.error);
          transaction.oncomplete = () => {
            opening.result.close();
            done(rows);
          };
        };
      }),
    [only.name, store] as const,
  );
  if (damaged === 0) throw new Error(`nothing lies in ${store}`);
}

/** The letter of what was written first is not what it was, as a dying disk leaves things. */
export async function spoilLetter(phone: Phone): Promise<void> {
  const [only] = await notebooks(phone);
  if (!only) throw new Error('the phone holds no notebook');
  await phone.page.evaluate(
    (name) =>
      new Promise<void>((done, failed) => {
        const opening = indexedDB.open(name);
        opening.onerror = () => failed(opening.error);
        opening.onsuccess = () => {
          const transaction = opening.result.transaction('letter', 'readwrite');
          // Under the ids of changes, which grow with time.
          const reading = transaction.objectStore('letter').openCursor();
          reading.onsuccess = () => reading.result?.update({ ...reading.result.value, text: '{"v":1}' });
          transaction.onabort = () => failed(transaction.error);
          transaction.oncomplete = () => {
            opening.result.close();
            done();
          };
        };
      }),
    only.name,
  );
}
