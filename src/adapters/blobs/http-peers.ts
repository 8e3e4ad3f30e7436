import { request } from 'undici';
import type { Address } from '../../core/address.js';
import type { BlobPeers, PeerContent } from '../../firmware/ports.js';
import { blobPath } from '../../firmware/release.js';

/** How long nothing may arrive, in ms. */
const SILENCE = 10_000;

/** Other firmware servers, over the plain HTTP by which NGINX reaches them too: a file is checked by its name. */
export class HttpBlobPeers implements BlobPeers {
  async fetch(
    server: Address,
    sha256: string,
    offset: number,
    signal: AbortSignal,
  ): Promise<PeerContent | undefined> {
    const { statusCode, headers, body } = await request(`http://${server}${blobPath(sha256)}`, {
      signal,
      headersTimeout: SILENCE,
      bodyTimeout: SILENCE,
      headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
    });
    if (statusCode === 200) return { offset: 0, content: body };
    if (statusCode === 206 && startOf(headers['content-range']) === offset) return { offset, content: body };
    await body.dump();
    if (statusCode === 404) return undefined;
    // What is left of an earlier fetch is not the beginning of this file.
    if (statusCode === 416) return this.fetch(server, sha256, 0, signal);
    throw new Error(`GET ${blobPath(sha256)} at ${server}: ${statusCode}`);
  }
}

/** The first byte that a `Content-Range: bytes 100-199/200` names. */
function startOf(range: string | string[] | undefined): number | undefined {
  const first = typeof range === 'string' ? /^bytes (\d+)-/.exec(range)?.[1] : undefined;
  return first === undefined ? undefined : Number(first);
}
