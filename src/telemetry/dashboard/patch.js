import { printable } from './format.js';

/**
 * @typedef {import('./tree.js').Node} TreeNode
 * @typedef {import('./tree.js').Element} TreeElement
 * @typedef {HTMLElement | SVGElement} DomElement
 */

const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'path', 'circle']);

/**
 * What was made for which element of the tree.
 *
 * @type {WeakMap<Node, string>}
 */
const identities = new WeakMap();

/**
 * What an element was given.
 *
 * @type {WeakMap<Node, TreeElement>}
 */
const shown = new WeakMap();

/**
 * Makes the children of an element what the tree says. Elements with the same key stay the same elements, so that focus,
 * selection and scroll positions stay. All text goes in as text, with what is not printable escaped.
 *
 * @param {Element} parent
 * @param {readonly TreeNode[]} children
 */
export function patch(parent, children) {
  const { activeElement } = parent.ownerDocument;
  patchChildren(parent, children);
  // An element that was moved has lost the focus.
  if (activeElement instanceof HTMLElement && activeElement.isConnected) {
    if (parent.ownerDocument.activeElement !== activeElement) activeElement.focus({ preventScroll: true });
  }
}

/**
 * @param {Element} parent
 * @param {readonly TreeNode[]} children
 */
function patchChildren(parent, children) {
  const wanted = named(children);
  /** @type {Map<string, Node>} */
  const present = new Map();
  for (const node of [...parent.childNodes]) {
    const identity = identities.get(node);
    if (identity !== undefined && wanted.has(identity)) present.set(identity, node);
    else node.remove();
  }
  let place = parent.firstChild;
  for (const [identity, child] of wanted) {
    const node = present.get(identity) ?? create(child, identity, parent.ownerDocument);
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
    if (typeof child === 'string') setText(node, child);
    else update(/** @type {DomElement} */ (node), child);
  }
}

/**
 * The children by what tells them apart; where two have the same key, it is their order.
 *
 * @param {readonly TreeNode[]} children
 * @returns {ReadonlyMap<string, TreeNode>}
 */
function named(children) {
  /** @type {Map<string, TreeNode>} */
  const found = new Map();
  for (const [index, child] of children.entries()) {
    const identity = identityOf(child, index);
    found.set(found.has(identity) ? `${identity} #${index}` : identity, child);
  }
  return found;
}

/**
 * @param {TreeNode} child
 * @param {number} index
 * @returns {string}
 */
function identityOf(child, index) {
  if (typeof child === 'string') return `#${index}`;
  return `${child.tag} ${child.key ?? `#${index}`}`;
}

/**
 * @param {TreeNode} child
 * @param {string} identity
 * @param {Document} document
 * @returns {Node}
 */
function create(child, identity, document) {
  const node =
    typeof child === 'string'
      ? document.createTextNode('')
      : SVG_TAGS.has(child.tag)
        ? document.createElementNS(SVG, child.tag)
        : document.createElement(child.tag);
  identities.set(node, identity);
  return node;
}

/**
 * @param {Node} node
 * @param {string} text
 */
function setText(node, text) {
  const safe = printable(text);
  if (node.nodeValue !== safe) node.nodeValue = safe;
}

/**
 * @param {DomElement} element
 * @param {TreeElement} next
 */
function update(element, next) {
  const before = shown.get(element);
  if (before === next) return;
  setAttributes(element, before?.attributes ?? {}, next.attributes);
  for (const [name, value] of Object.entries(next.style)) {
    if (before?.style[name] !== value) element.style.setProperty(name, value);
  }
  shown.set(element, next);
  patchChildren(element, next.children);
}

/**
 * @param {DomElement} element
 * @param {Readonly<Record<string, string>>} before
 * @param {Readonly<Record<string, string>>} next
 */
function setAttributes(element, before, next) {
  for (const name of Object.keys(before)) if (!(name in next)) element.removeAttribute(name);
  for (const [name, value] of Object.entries(next)) {
    if (before[name] !== value) element.setAttribute(name, printable(value, 2_000));
  }
}
