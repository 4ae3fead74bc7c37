/* The page's own name space: what all other files share. Each file does one thing and adds itself here. */
var gridmap = {};
(function (gm) {
  "use strict";
  gm.data = JSON.parse(document.getElementById("gridmap-data").textContent);
  gm.state = { language: gm.data.language, theme: null, frame: null, selected: null };

  /* Parts: mounted in the order of their files, told of events by name. */
  const parts = [], listeners = {};
  gm.part = function (mount) { parts.push(mount); };
  gm.on = function (event, act) { (listeners[event] = listeners[event] || []).push(act); };
  gm.emit = function (event, value) { (listeners[event] || []).forEach(function (act) { act(value); }); };
  gm.mount = function () { parts.forEach(function (mount) { mount(); }); };

  /* An element. Text from data only ever becomes a text node, never markup. */
  gm.el = function (tag, attributes) {
    const node = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (key) {
      const value = attributes[key];
      if (value === null || value === undefined || value === false) return;
      if (key.slice(0, 2) === "on") node.addEventListener(key.slice(2), value);
      else if (key === "text") node.textContent = value;
      else if (key === "style") Object.assign(node.style, value);
      else node.setAttribute(key, value === true ? "" : value);
    });
    return gm.put.apply(null, [node].concat(Array.prototype.slice.call(arguments, 2)));
  };
  /* Children into an element: nodes, texts, lists of them; null is left out. */
  gm.put = function (node) {
    for (let i = 1; i < arguments.length; i++) {
      const child = arguments[i];
      if (Array.isArray(child)) child.forEach(function (c) { gm.put(node, c); });
      else if (child !== null && child !== undefined && child !== false) node.append(child);
    }
    return node;
  };
  gm.clear = function (node) { while (node.firstChild) node.removeChild(node.firstChild); return node; };
})(gridmap);
