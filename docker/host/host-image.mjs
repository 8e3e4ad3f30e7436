// The image of which Vagrant's docker provider makes hosts.
import { ensureBaseImage } from '../setup/base-image.mjs';
import { ensureEngine } from '../setup/engine.mjs';
import { ensureImage } from '../setup/images.mjs';

/** The image, as docker/setup/images.mjs describes images. */
export const HOST_IMAGE = { name: 'sidekick-host', context: ['docker/host/image'] };

/** Makes sure that there is an engine, and the image in it. */
export async function ensureHostImage() {
  await ensureEngine();
  await ensureBaseImage();
  await ensureImage(HOST_IMAGE);
}
