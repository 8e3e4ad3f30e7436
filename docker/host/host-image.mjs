// Makes the image of which Vagrant's docker provider makes hosts.
import { ensureBaseImage } from '../setup/base-image.mjs';
import { ensureEngine } from '../setup/engine.mjs';
import { ensureImage, HOST_IMAGE } from '../setup/images.mjs';

/** Makes sure that there is an engine, and the image in it. */
export async function ensureHostImage() {
  await ensureEngine();
  await ensureBaseImage();
  await ensureImage(HOST_IMAGE);
}
