import { Office } from '../support/office.ts';
import { Phone } from '../support/phone.ts';
import { NEWER, OtherSite } from '../support/site.ts';
import { expect, test } from '../support/test.ts';

test('the app installs, and a deep address opens without network', async ({ phone }) => {
  await phone.open('/');
  await phone.opened();
  await phone.installed();
  await phone.goOffline();

  await phone.open('/cases');
  await phone.opened();
  await expect(phone.page.getByRole('main')).toBeVisible();
  await phone.reload();
  await phone.opened();
  await expect(phone.page.getByRole('main')).toBeVisible();
  expect(new URL(phone.page.url()).pathname).toBe('/cases');
});

test('the app opens without network after its process was killed', async ({ phone }) => {
  await phone.open('/');
  await phone.opened();
  await phone.installed();
  await phone.goOffline();
  await phone.killRenderer();

  await phone.open('/');
  await phone.opened();
  await expect(phone.page.getByRole('main')).toBeVisible();
});

test('the browser finds nothing wrong with installing the app', async ({ phone }) => {
  await phone.open('/');
  await phone.opened();
  await phone.installed();
  const session = await phone.context.newCDPSession(phone.page);
  const manifest = await session.send('Page.getAppManifest');
  expect(manifest.errors).toEqual([]);
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  // A test's profile counts as a guest's; nothing else may stand in the way.
  expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([]);
});

test('a build whose files do not fit together is never kept', async () => {
  const half = await OtherSite.half();
  const office = await Office.start({ site: half.folder });
  const phone = await Phone.start(office);
  await phone.open('/');
  await phone.opened();
  const state = await phone.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.register('/sw.js');
    const worker = registration.installing;
    if (!worker) return 'there is no worker';
    if (worker.state === 'installing') {
      await new Promise((resolve) => worker.addEventListener('statechange', resolve, { once: true }));
    }
    return worker.state;
  }).catch((error: Error) => error.message);
  expect(state).toMatch(/redundant|unknown error|there is no worker/);
  // The app itself may just be trying the same.
  await expect.poll(() => phone.page.evaluate(() => caches.keys())).toEqual([]);
  await phone.put();
  await office.stop();
  await half.remove();
});

test('a new build waits until the person agrees, and then is there whole', async ({ office, phone }) => {
  const newer = await OtherSite.newer();
  await phone.open('/');
  await phone.opened();
  await phone.installed();
  const root = phone.page.locator('html');
  const build = await root.getAttribute('data-build');

  await office.restart({ site: newer.folder });
  await phone.reload();
  await phone.opened();
  await expect(root).toHaveAttribute('data-update', 'ready');
  await expect(root).toHaveAttribute('data-build', build ?? '');

  await phone.page.evaluate(() => window.dispatchEvent(new Event('cn-update-agreed')));
  await expect(root).toHaveAttribute('data-build', NEWER);
  await phone.opened();
  expect(await phone.page.evaluate(() => caches.keys())).toEqual([`cau-noi-${NEWER}`]);
  await newer.remove();
});

test('a new build that nobody agreed to is there at the next start', async ({ office, phone }) => {
  const newer = await OtherSite.newer();
  await phone.open('/');
  await phone.opened();
  await phone.installed();
  await office.restart({ site: newer.folder });
  await phone.reload();
  await expect(phone.page.locator('html')).toHaveAttribute('data-update', 'ready');

  await phone.killBrowser();
  await phone.open('/');
  await expect(phone.page.locator('html')).toHaveAttribute('data-build', NEWER);
  await newer.remove();
});
