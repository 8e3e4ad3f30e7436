import type { PublishedUpstream } from '../../core/published-status.js';
import { drainTimeoutOf } from './options.js';
import { publishedUpstream } from './published-status.js';
import { type UpstreamOverview, type UpstreamStatus, upstreamStatus } from './status.js';
import type { UpstreamContext } from './upstream-context.js';
import {
  type PageQuery,
  type ServerPage,
  serverPage,
  type UpstreamView,
  type UpstreamViewInput,
  upstreamView,
} from './view.js';

/** What is shown of one upstream: on `/status`, in etcd for `sidekick status`, and on the dashboard. */
export class ShownUpstream {
  readonly #context: UpstreamContext;

  constructor(context: UpstreamContext) {
    this.#context = context;
  }

  status(): UpstreamStatus {
    const { ref, feed, state, guard, deps } = this.#context;
    const { servers, drains, inSync, lastPassAt, errors } = state;
    const { services } = feed;
    const { held } = guard;
    const { toWallTime } = deps;
    return upstreamStatus({ ref, services, servers, drains, held, inSync, lastPassAt, errors, toWallTime });
  }

  overview(): UpstreamOverview {
    const { ref, state } = this.#context;
    return { ...ref, inSync: state.inSync, servers: state.servers?.size ?? 0 };
  }

  published(): PublishedUpstream {
    return publishedUpstream(this.#viewInput);
  }

  /** @param rows How many servers are shown. */
  view(rows: number): UpstreamView {
    return upstreamView(this.#viewInput, this.#context.state.servers?.unmanaged ?? 0, rows);
  }

  serverPage(query: PageQuery): ServerPage {
    return serverPage(this.#viewInput, query);
  }

  get #viewInput(): UpstreamViewInput {
    const { ref, nginx, feed, state, memory, guard, deps } = this.#context;
    const { servers, drains, inSync, errors } = state;
    return {
      ref,
      services: feed.services,
      servers,
      desired: feed.desired,
      drains,
      drainTimeout: drainTimeoutOf(ref, deps.options()),
      held: guard.held,
      inSync,
      errors,
      zoneFull: memory.zoneFull,
      probeError: (address) => feed.probeError(address),
      toWallTime: deps.toWallTime,
      isReachable: nginx.isReachable,
      goneCause: (address) => feed.goneCause(address),
    };
  }
}
