// Two people on one phone: what one has not sent stays theirs, unseen by the other and sent under nobody else's session.
import { ready, recordCase, row, synced, tab } from '../support/story.ts';
import { expect, test } from '../support/test.ts';
import type { Phone } from '../support/phone.ts';

const OF_LAN = 'Hoàng Thị Thử Nghiệm';
const OF_DIEP = 'Bàn Văn Đối Chiếu';

/** Who named whom, in each push of the phone that was answered. */
interface Sent {
  worker: string;
  authors: string[];
  status: number;
}

function watchSenders(phone: Phone): Sent[] {
  const all: Sent[] = [];
  phone.page.on('response', (response) => {
    if (!response.url().endsWith('/api/push')) return;
    const { batch } = response.request().postDataJSON() as { batch: { worker: string; changes: { author: string }[] } };
    all.push({ worker: batch.worker, authors: batch.changes.map((c) => c.author), status: response.status() });
  });
  return all;
}

/** Leaves the phone through Khác. */
async function logOut(phone: Phone, said: string): Promise<void> {
  await tab(phone.page, 'Khác');
  await phone.page.getByRole('link', { name: 'Người dùng máy này' }).click();
  await phone.page.getByRole('button', { name: 'Đăng xuất' }).click();
  const dialog = phone.page.getByRole('dialog');
  await expect(dialog).toContainText(said);
  await dialog.getByRole('button', { name: 'Đăng xuất' }).click();
  await expect(phone.page.getByRole('heading', { name: 'Đăng nhập' })).toBeVisible();
}

/** The id of whoever holds the phone, as the office knows it. */
async function holder(phone: Phone): Promise<string> {
  const request = await phone.page.waitForRequest((asked) => asked.url().endsWith('/api/pull'));
  return (request.postDataJSON() as { request: { worker: string } }).request.worker;
}

test('what one person has not sent stays on a shared phone, unseen by the other, and goes out in its writer\'s name', { tag: '@office' }, async ({
  phone,
}) => {
  test.setTimeout(240_000);
  const sent = watchSenders(phone);
  await phone.open('/');
  const lan = holder(phone);
  await phone.logIn('lan');
  await synced(phone.page);
  const lanId = await lan;
  await phone.installed();

  // Lan writes without network and leaves; the office cannot be told.
  await phone.goOffline();
  const code = await recordCase(phone.page, { name: OF_LAN, what: 'Sống một mình, ngã hai lần.' });
  await phone.open('/');
  await logOut(phone, 'Còn 1 mục chưa gửi. Máy giữ nguyên, gửi khi anh/chị đăng nhập lại. Không mất gì.');
  await expect(phone.page.getByRole('button', { name: 'Nông Thị Lan' })).toContainText('1 mục chưa gửi');

  // Điệp takes the phone, in the network.
  await phone.goOnline();
  const diep = holder(phone);
  await phone.logIn('diep');
  const diepId = await diep;
  expect(diepId).not.toBe(lanId);
  await synced(phone.page);
  await expect(phone.page.getByRole('heading', { name: 'Chào chị Diệp' })).toBeVisible();
  await expect(phone.page.getByRole('link', { name: /^Đã gửi hết/ })).toBeVisible();
  await tab(phone.page, 'Hồ sơ');
  await phone.page.getByRole('searchbox').fill(code);
  await expect(phone.page.getByText('Không thấy hồ sơ nào')).toBeVisible();
  await phone.page.getByRole('searchbox').fill('');
  await phone.open('/sync');
  await expect(phone.page.getByText('Không còn gì chờ gửi.')).toBeVisible();
  await expect(phone.page.getByText(OF_LAN)).toHaveCount(0);
  // Nor does the browser hold it readable anywhere.
  const readable = await plainText(phone);
  expect(readable).toContain(lanId);
  expect(readable).not.toContain(OF_LAN);

  // She writes something of her own, which goes out under her name alone.
  await phone.open('/');
  await recordCase(phone.page, { name: OF_DIEP, what: 'Ông ở một mình trên nương.', village: 'Pác Luống' });
  await phone.open('/cases');
  await expect(row(phone.page, OF_DIEP)).toContainText('Xã đã nhận', { timeout: 30_000 });
  expect(sent.length).toBeGreaterThan(0);
  for (const { worker, authors, status } of sent) {
    expect([worker, status]).toEqual([diepId, 200]);
    expect(new Set(authors)).toEqual(new Set([diepId]));
  }
  sent.length = 0;

  // Lan must say who she is before she sees anything; then hers goes out, in her name.
  await tab(phone.page, 'Khác');
  await phone.page.getByRole('link', { name: 'Người dùng máy này' }).click();
  await phone.page.getByRole('button', { name: 'Nông Thị Lan' }).click();
  await expect(phone.page.getByText('Người này đã đăng xuất. Xin ghi tên và mật khẩu.')).toBeVisible();
  await phone.logIn('lan');
  await expect(phone.page.getByRole('heading', { name: 'Chào chị Lan' })).toBeVisible();
  await tab(phone.page, 'Hồ sơ');
  await expect(row(phone.page, code)).toContainText('Xã đã nhận', { timeout: 30_000 });
  await expect(row(phone.page, OF_DIEP)).toHaveCount(0);
  expect(sent.map(({ worker, authors, status }) => ({ worker, authors, status }))).toEqual([
    { worker: lanId, authors: [lanId], status: 200 },
  ]);
});

test('two people hand a phone over with one tap, and each finds only their own', { tag: '@office' }, async ({ phone }) => {
  await ready(phone, 'lan');
  await tab(phone.page, 'Khác');
  await phone.page.getByRole('link', { name: 'Người dùng máy này' }).click();
  await phone.page.getByRole('link', { name: 'Thêm người dùng' }).click();
  await phone.logIn('diep');
  await expect(phone.page.getByRole('heading', { name: 'Chào chị Diệp' })).toBeVisible();
  await synced(phone.page);
  await phone.installed();
  const sent = watchSenders(phone);

  // Điệp writes without network, hands the phone to Lan, and the network comes while Lan holds it.
  await phone.goOffline();
  await recordCase(phone.page, { name: OF_DIEP, what: 'Ông ở một mình trên nương.', village: 'Pác Luống' });
  await phone.open('/person');
  await phone.page.getByRole('button', { name: 'Nông Thị Lan' }).click();
  await expect(phone.page.getByRole('heading', { name: 'Chào chị Lan' })).toBeVisible();
  await phone.open('/person');
  const diep = phone.page.getByRole('button', { name: 'Hứa Thị Bích Diệp' });
  await expect(diep).toContainText('1 mục chưa gửi');
  await phone.goOnline();
  await phone.open('/');
  await recordCase(phone.page, { name: OF_LAN, what: 'Sống một mình, ngã hai lần.' });
  // A page that is left while its push is answered would send it again.
  await expect.poll(() => sent.length, { timeout: 30_000 }).toBe(1);
  await phone.page.getByRole('link', { name: 'Mở hồ sơ' }).click();
  await expect(phone.page.getByText(/^Xã đã nhận/).first()).toBeVisible({ timeout: 30_000 });
  await phone.open('/cases');
  await expect(row(phone.page, OF_LAN)).toContainText('Xã đã nhận', { timeout: 30_000 });
  await expect(row(phone.page, OF_DIEP)).toHaveCount(0);
  const lanId = sent[0]?.worker;
  expect(sent.map(({ worker, authors }) => [worker, ...authors])).toEqual([[lanId, lanId]]);

  // Her letter needs nobody's key: it has left while Lan held the phone.
  await phone.open('/person');
  await expect(diep).not.toContainText('chưa gửi');
  await diep.click();
  await expect(phone.page.getByRole('heading', { name: 'Chào chị Diệp' })).toBeVisible();
  await tab(phone.page, 'Hồ sơ');
  await expect(row(phone.page, OF_DIEP)).toContainText('Xã đã nhận', { timeout: 30_000 });
  await expect(row(phone.page, OF_LAN)).toHaveCount(0);
  const [, second] = sent;
  expect(sent).toHaveLength(2);
  expect(second?.worker).not.toBe(lanId);
  expect(second?.authors).toEqual([second?.worker]);
});

/** Everything that a script of this origin can read without anybody's key. */
async function plainText(phone: Phone): Promise<string> {
  return phone.page.evaluate(async () => {
    const read = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const decoder = new TextDecoder();
    const words = (value: unknown): string => {
      if (value instanceof ArrayBuffer) return decoder.decode(value);
      if (ArrayBuffer.isView(value)) return decoder.decode(value);
      if (Array.isArray(value)) return value.map(words).join(' ');
      if (value !== null && typeof value === 'object') return Object.values(value).map(words).join(' ');
      return String(value);
    };
    let text = JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }) + document.body.textContent;
    for (const { name } of await indexedDB.databases()) {
      if (!name) continue;
      const opened = await read(indexedDB.open(name));
      for (const store of opened.objectStoreNames) {
        text += words(await read(opened.transaction(store).objectStore(store).getAll()));
      }
      opened.close();
    }
    return text;
  });
}
