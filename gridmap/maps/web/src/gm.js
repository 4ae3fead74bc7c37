/* What all parts of the page share: its data, its state, events by name, and elements. */

/** @typedef {import("./types").Gm} Gm */

/** @param {import("./types").PageData} data @returns {Gm} */
export function makePage(data) {
  /** @type {Array<() => void>} */
  const parts = [];
  /** @type {Record<string, Array<(value: any) => void>>} */
  const listeners = {};
  const gm = /** @type {Gm} */ ({
    data,
    state: { language: data.language, theme: null, frame: null, selected: null, tab: null, compare: null, shift: null, second: null },
    busy: false,
    sharp: 1,
    veil: 0,
    comparing: null,
    /* Parts: mounted in the order in which they came, told of events by name. */
    part: (mount) => { parts.push(mount); },
    on: (event, act) => { (listeners[event] = listeners[event] || []).push(act); },
    emit: (event, value) => { (listeners[event] || []).forEach((act) => act(value)); },
    mount: () => { parts.forEach((mount) => mount()); }
  });

  /* An element. Text from data only ever becomes a text node, never markup. */
  gm.el = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    Object.entries(attributes || {}).forEach(([key, value]) => {
      if (value === null || value === undefined || value === false) return;
      if (key.slice(0, 2) === "on") node.addEventListener(key.slice(2), value);
      else if (key === "text") node.textContent = value;
      else if (key === "style") Object.assign(node.style, value);
      else node.setAttribute(key, value === true ? "" : value);
    });
    return gm.put(node, ...children);
  };
  /* Children into an element: nodes, texts, lists of them; null is left out. */
  gm.put = (node, ...children) => {
    children.forEach((child) => {
      if (Array.isArray(child)) child.forEach((c) => gm.put(node, c));
      else if (child !== null && child !== undefined && child !== false) node.append(child);
    });
    return node;
  };
  gm.clear = (node) => { while (node.firstChild) node.removeChild(node.firstChild); return node; };
  /* Whether somebody is typing, so that letters are letters and no commands. */
  gm.typing = (event) => {
    const target = /** @type {Element} */ (event.target);
    return /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) || event.ctrlKey || event.metaKey || event.altKey;
  };
  gm.calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  return gm;
}
