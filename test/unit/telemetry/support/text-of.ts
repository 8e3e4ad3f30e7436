import type { Element, Node } from '../../../../src/telemetry/dashboard/tree.js';

/** All text of a tree of the dashboard, as a reader meets it. */
export function textOf(node: Node | readonly Node[]): string {
  if (typeof node === 'string') return node;
  const children = Array.isArray(node) ? (node as readonly Node[]) : (node as Element).children;
  return children
    .map(textOf)
    .filter((text) => text !== '')
    .join(' ');
}
