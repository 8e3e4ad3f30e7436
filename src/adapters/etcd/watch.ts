import type { IWatchResponse } from 'etcd3';
import type { KeyValue } from '../../core/ports.js';
import { arrivals, type ObjectStream } from './arrivals.js';
import type { Cluster } from './cluster.js';
import { toEntry } from './key-values.js';
import type { At } from './pages.js';
import { rangeOf } from './snapshot.js';

/** One write or deletion. */
export type Change =
  | { readonly type: 'put'; readonly entry: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly revision: number };

/** Some changes that arrived together, those of each prefix in the order in which they happened, and the newest revision. */
export interface Changes {
  readonly changes: readonly Change[];
  readonly revision: number;
}

interface WatchSettings {
  readonly prefixes: readonly string[];
  /** The watch begins right after it. */
  readonly after: At;
  /** How long the stream may be silent, in ms, although its progress is requested. */
  readonly stall: number;
  readonly signal: AbortSignal;
}

/** What the watch stream is at run time: a Node.js stream, which etcd3's type does not say. */
type WatchStream = ObjectStream<IWatchResponse> & {
  write(request: object): void;
  end(): void;
  cancel(): void;
};

/**
 * Watches some prefixes on one stream, and ends as soon as it may have missed an event: the caller then reads again.
 * etcd3's own Watcher resumes by itself, and loses events when it is cut off twice. etcd sends the events of one prefix
 * in order; one prefix may be some milliseconds ahead of another.
 */
export async function* watch(cluster: Cluster, settings: WatchSettings): AsyncGenerator<Changes, void> {
  const stream = await open(cluster, settings.signal);
  if (!stream) return;
  const watchdog = startWatchdog(stream, settings.stall);
  try {
    for (const prefix of settings.prefixes) {
      const start_revision = settings.after.revision + 1;
      // In fragments: without them etcd puts everything that was written since then into one answer.
      stream.write({ create_request: { ...rangeOf(prefix), start_revision, fragment: true } });
    }
    for await (const responses of arrivals(stream)) {
      watchdog.onActivity();
      if (responses.some((response) => isStale(response, settings.after))) return;
      const told = responses.filter(({ events }) => events.length > 0);
      if (told.length > 0) yield toChanges(told);
    }
  } catch {
    // The stream broke. The caller's next read shows whether etcd is unavailable.
  } finally {
    watchdog.stop();
    // Ended before it is cancelled: etcd3 replaces every connection to the member when a stream fails that is still writable.
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

/** Whether the watch was cancelled (compacted, refused), or answers come from another cluster than the snapshot. */
function isStale({ canceled, header }: IWatchResponse, after: At): boolean {
  return canceled || header.cluster_id !== after.clusterId;
}

function toChanges(responses: readonly IWatchResponse[]): Changes {
  return {
    changes: responses.flatMap(({ events }) => events.map(toChange)),
    revision: Math.max(...responses.map(({ header }) => Number(header.revision))),
  };
}

function toChange({ type, kv }: IWatchResponse['events'][number]): Change {
  if (type === 'Put') return { type: 'put', entry: toEntry(kv) };
  return { type: 'delete', key: kv.key.toString('utf8'), revision: Number(kv.mod_revision) };
}

/**
 * Requests the stream's progress every third of `stall` ms, and cancels the stream after `stall` ms without an answer: a
 * watch that is dead is as silent as one without events.
 */
function startWatchdog(stream: WatchStream, stall: number): { onActivity(): void; stop(): void } {
  let silent = 0;
  const timer = setInterval(() => {
    silent++;
    if (silent > 3) stream.cancel();
    else stream.write({ progress_request: {} });
  }, stall / 3);
  return {
    onActivity: () => {
      silent = 0;
    },
    stop: () => clearInterval(timer),
  };
}
