/**
 * What a page is to show, as plain data: an element with its children. Text is a string, and is put in as text, never as HTML.
 *
 * @typedef {object} Element
 * @property {string} tag
 * @property {string | undefined} key Tells it from its siblings; default its place among those without a key.
 * @property {Readonly<Record<string, string>>} attributes
 * @property {Readonly<Record<string, string>>} style Custom properties and properties of its own style.
 * @property {readonly Node[]} children
 *
 * @typedef {Element | string} Node
 *
 * @typedef {object} Properties Of an element: attributes by their names, and these.
 * @property {string | number} [key]
 * @property {Readonly<Record<string, string>>} [style]
 */

/**
 * An element. An attribute that is `undefined` or `false` is left out, and one that is `true` is empty. Children that are
 * `undefined` or `false` are left out, lists of children are opened.
 *
 * @param {string} name The tag, with classes if it has any: `td.number`.
 * @param {(Properties & Record<string, unknown>) | null} [properties]
 * @param {...unknown} children
 * @returns {Element}
 */
export function h(name, properties, ...children) {
  const { key, style = {}, ...others } = properties ?? {};
  const [tag = 'div', ...classes] = name.split('.');
  /** @type {Record<string, unknown>} */
  const given = { ...(classes.length > 0 && { class: classes.join(' ') }), ...others };
  const attributes = Object.entries(given)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([attribute, value]) => [attribute, value === true ? '' : String(value)]);
  return {
    tag,
    key: key === undefined ? undefined : String(key),
    attributes: Object.fromEntries(attributes),
    style,
    children: nodesOf(children),
  };
}

/**
 * @param {readonly unknown[]} children
 * @returns {Node[]}
 */
function nodesOf(children) {
  return children.flat(Number.POSITIVE_INFINITY).flatMap((child) => {
    if (child === undefined || child === null || child === false || child === '') return [];
    return [typeof child === 'number' ? String(child) : /** @type {Node} */ (child)];
  });
}
