import type { IWatchResponse } from 'etcd3';
import type { KeyValue } from '../../core/ports.js';
import type { Cluster } from './cluster.js';
import { toEntry } from './key-values.js';
import { rangeOf, type Snapshot } from './snapshot.js';

/** One write or deletion. */
export type Change =
  | { readonly type: 'put'; readonly entry: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly revision: number };

/** Some changes in the order in which they happened, and the revision of the last. */
export interface Changes {
  readonly changes: readonly Change[];
  readonly revision: number;
  /** More has arrived already and follows at once. */
  readonly more: boolean;
}

export interface WatchSettings {
  readonly prefixes: readonly string[];
  /** The watch begins right after it. */
  readonly after: Snapshot;
  /** How long the stream may be silent, in ms, although it is asked for its progress. */
  readonly stall: number;
  readonly signal: AbortSignal;
}

/** What the watch stream is at run time: a Node.js stream, which etcd3's type does not say. */
type WatchStream = AsyncIterable<IWatchResponse> & {
  readonly readableLength: number;
  write(request: object): void;
  end(): void;
  cancel(): void;
};

/**
 * Watches some prefixes on one stream. Ends at the first doubt that it has seen everything, whatever the doubt is: the
 * caller then reads again. etcd3's own Watcher resumes by itself, and loses events when it is cut off twice.
 * etcd tells what happened in one prefix in order; of several prefixes one may be some milliseconds ahead.
 */
export async function* watch(cluster: Cluster, settings: WatchSettings): AsyncGenerator<Changes, void> {
  const stream = await open(cluster, settings.signal);
  if (!stream) return;
  const silence = guardSilence(stream, settings.stall);
  try {
    for (const prefix of settings.prefixes) {
      const start_revision = settings.after.revision + 1;
      // In fragments: etcd would put all that was written since then into one answer, however long the values are.
      stream.write({ create_request: { ...rangeOf(prefix), start_revision, fragment: true } });
    }
    for await (const response of stream) {
      silence.broken();
      if (isDoubtful(response, settings.after)) return;
      const changes = response.events.map(toChange);
      if (changes.length === 0) continue;
      yield { changes, revision: Number(response.header.revision), more: stream.readableLength > 0 };
    }
  } catch {
    // The stream broke. Whether etcd is away, the caller's next read tells.
  } finally {
    silence.stop();
    // Ended first: etcd3 replaces every connection to the member when a stream fails that can still be written.
    stream.end();
    stream.cancel();
  }
}

async function open(cluster: Cluster, signal: AbortSignal): Promise<WatchStream | undefined> {
  try {
    const stream = await cluster.call((client, options) => client.watchClient.watch(options), {
      signal,
      stream: true,
    });
    return stream as unknown as WatchStream;
  } catch {
    return undefined;
  }
}

/** Cancelled (compacted, refused), or told by another cluster than the snapshot. */
function isDoubtful({ canceled, header }: IWatchResponse, after: Snapshot): boolean {
  return canceled || header.cluster_id !== after.clusterId;
}

function toChange({ type, kv }: IWatchResponse['events'][number]): Change {
  if (type === 'Put') return { type: 'put', entry: toEntry(kv) };
  return { type: 'delete', key: kv.key.toString('utf8'), revision: Number(kv.mod_revision) };
}

/**
 * Asks for the stream's progress at a third of the time in which it must be heard of, and cancels it when it is not:
 * a watch that has nothing to tell and one that is dead look alike.
 */
function guardSilence(stream: WatchStream, stall: number): { broken(): void; stop(): void } {
  let silent = 0;
  const timer = setInterval(() => {
    silent++;
    if (silent > 3) stream.cancel();
    else stream.write({ progress_request: {} });
  }, stall / 3);
  return {
    broken: () => {
      silent = 0;
    },
    stop: () => clearInterval(timer),
  };
}
