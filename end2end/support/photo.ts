// Pictures for the stories: made in the browser itself, as large as a camera's, with the place written into the file.
import type { Locator, Page, Request } from '@playwright/test';

export interface PictureFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** A JPEG of 2400 × 1800 noisy pixels: small, it still takes several pieces to send. */
export async function cameraFile(page: Page, name = 'IMG_2301.jpg'): Promise<PictureFile> {
  const base64 = await page.evaluate(() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [2400, 1800];
    const context = canvas.getContext('2d');
    if (!context) throw new Error('no canvas');
    for (let n = 0; n < 12_000; n += 1) {
      context.fillStyle = `hsl(${(n * 47) % 360} ${30 + ((n * 7) % 60)}% ${20 + ((n * 13) % 60)}%)`;
      context.fillRect((n * 7919) % 2400, (n * 6101) % 1800, 12 + (n % 40), 10 + (n % 30));
    }
    return canvas.toDataURL('image/jpeg', 0.9).split(',')[1] ?? '';
  });
  const plain = Buffer.from(base64, 'base64');
  const said = Buffer.from('Exif\0\0GPS 21.853N 106.761E', 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(said.length + 2);
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1]), length, said]);
  return { name, mimeType: 'image/jpeg', buffer: Buffer.concat([plain.subarray(0, 2), segment, plain.subarray(2)]) };
}

/** Chooses a file in the form that is open, and waits until it is kept. */
export async function choosePhoto(page: Page, within: Page | Locator = page): Promise<void> {
  const rows = page.getByRole('button', { name: 'Xem ảnh lớn' });
  const before = await rows.count();
  await within.getByLabel('Chọn ảnh có sẵn').setInputFiles(await cameraFile(page));
  await rows.nth(before).waitFor();
}

export interface Piece {
  photo: string;
  start: number;
  bytes: number;
}

/** Every piece of a photo that is sent from now on, arrived or not; to ask how much is there is none. */
export function watchPieces(page: Page): Piece[] {
  const pieces: Piece[] = [];
  page.on('request', (request: Request) => {
    const [, photo, start] = /\/api\/photo\/([^/]+)\/(\d+)$/.exec(new URL(request.url()).pathname) ?? [];
    const bytes = request.postDataBuffer()?.length ?? 0;
    if (photo && start && bytes > 0) pieces.push({ photo, start: Number(start), bytes });
  });
  return pieces;
}

/** The sides of the picture that stands in the open dialog. */
export async function sides(dialog: Locator): Promise<{ width: number; height: number; src: string }> {
  return dialog.locator('img').evaluate(async (image: HTMLImageElement) => {
    await image.decode();
    return { width: image.naturalWidth, height: image.naturalHeight, src: image.src.slice(0, 5) };
  });
}
