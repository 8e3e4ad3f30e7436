/** The fenced blocks of the documents: what a reader copies into a terminal. */
import { readFileSync } from 'node:fs';

/** What is followed word for word, relative to the root of the repository. */
export const FOLLOWED = ['README.md', 'docs/operating.md'] as const;

type Followed = (typeof FOLLOWED)[number];

/** One block, named by how it begins. */
interface BlockName {
  readonly document: Followed;
  /** The text of the block begins so, and that of no other block of the document. */
  readonly begins: string;
}

/** A block that is not run, and why. */
interface Exception extends BlockName {
  readonly reason: string;
}

/** What of a document is run: its block is looked up by its beginning. */
export const RUN = {
  install: { document: 'docs/operating.md', begins: 'apt install ./build/' },
  put: { document: 'README.md', begins: 'etcdctl put' },
  register: {
    document: 'README.md',
    begins: 'docker run --network host --stop-timeout 75 sidekick register',
  },
  registerAgain: {
    document: 'docs/operating.md',
    begins: 'docker run --network host --stop-timeout 75 sidekick register',
  },
  watch: { document: 'README.md', begins: 'docker run --network host --volume /run/sidekick-gateway/api' },
  unit: { document: 'docs/operating.md', begins: 'systemctl enable --now sidekick@firmware@2' },
} as const satisfies Readonly<Record<string, BlockName>>;

const CONFIGURATION = 'a configuration: test/unit/config/examples.test.ts reads it';
const NGINX_PLUS = 'it takes a licence of NGINX Plus';
const ENGINE = 'it takes npm packages and a Docker engine on the host; it is what runs all other tests';

export const EXCEPTIONS: readonly Exception[] = [
  { document: 'README.md', begins: '   devices', reason: 'a picture' },
  { document: 'README.md', begins: 'npm run demo', reason: ENGINE },
  { document: 'README.md', begins: 'npm test', reason: ENGINE },
  {
    document: 'README.md',
    begins: 'npm run setup\ndocker compose',
    reason: 'test/integration/setup/compose.test.ts runs these words',
  },
  {
    document: 'README.md',
    begins: 'sidekick firmware publish',
    reason:
      'docs/firmware.md has the set-up that it takes; the chapter on firmware servers publishes and rolls out',
  },
  { document: 'docs/operating.md', begins: '# /etc/sidekick/node.yaml', reason: CONFIGURATION },
  { document: 'docs/operating.md', begins: '# /etc/sidekick/watch.yaml', reason: CONFIGURATION },
  {
    document: 'docs/operating.md',
    begins: 'npm ci && npm run build',
    reason: 'it takes npm packages; the test of each Node.js release builds and starts both commands',
  },
  { document: 'docs/operating.md', begins: 'http {\n    upstream firmware { zone', reason: NGINX_PLUS },
  {
    document: 'docs/operating.md',
    begins: 'docker run --network host --volume /run/nginx-api',
    reason: NGINX_PLUS,
  },
  {
    document: 'docs/operating.md',
    begins: '{ "http":',
    reason: 'an example of groups: the gateway of every host reads a file of this form',
  },
  { document: 'docs/operating.md', begins: 'ssh -L', reason: 'a tunnel from a machine outside the cluster' },
  { document: 'docs/operating.md', begins: 'location = /dashboard.html', reason: NGINX_PLUS },
];

/** The fenced blocks of a document, without their fences. */
export function blocksOf(document: Followed): readonly string[] {
  const text = readFileSync(new URL(`../../${document}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```[a-z]*\n([\s\S]*?)\n```$/gm)].map(([, block = '']) => block);
}

/** The text of a block. Throws unless exactly one block of the document begins so. */
export function blockOf({ document, begins }: BlockName): string {
  const [block, ...others] = blocksOf(document).filter((one) => one.startsWith(begins));
  if (block === undefined || others.length > 0) {
    throw new Error(`${document} has not one block that begins with: ${begins}`);
  }
  return block;
}
