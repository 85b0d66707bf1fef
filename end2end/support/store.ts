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
