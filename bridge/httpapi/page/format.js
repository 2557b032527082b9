
"use strict";

// Numbers and times for people. A figure has three digits at most: what stands there
// changes every second, and nobody reads a fourth.

const NB = "\u00a0"; // keeps a number and its unit on one line

/** duration writes nanoseconds with a unit: 850 ns, 12.3 µs, 1.02 ms, 3.1 s. */
function duration(ns) {
  if (!ns) return "–";
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (ns >= size * 0.9995) return digits(ns / size) + NB + unit;
  }
  return Math.round(ns) + NB + "ns";
}

/** digits writes a number with three significant digits, larger ones in full. */
function digits(v) {
  if (v >= 99.95) return Math.round(v).toLocaleString("en-US");
  return v >= 9.995 ? v.toFixed(1) : v.toFixed(2);
}

/** round takes the zeros off that say nothing: 1.00 ms becomes 1 ms, 60.0 k 60 k. */
const round = (text) => text.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");

/** count writes a whole number or, above ten thousand, a short one: 12.3 k, 4.56 M. */
function count(n) {
  if (n < 10_000) return Math.round(n).toLocaleString("en-US");
  return n < 999_500 ? digits(n / 1e3) + NB + "k" : digits(n / 1e6) + NB + "M";
}

/** rate writes what happened in a second. */
function rate(n) {
  return n > 0 && n < 10 ? n.toFixed(1) : count(n);
}

/** part writes a share in a tenth of a percent. */
function part(n, whole) {
  const percent = 100 * n / whole;
  return percent > 0 && percent < 0.1 ? "<" + NB + "0.1" + NB + "%" : round(percent.toFixed(1)) + NB + "%";
}

/** share writes one whose nines matter: what is not all is never rounded to 100 %. */
function share(n, whole) {
  if (!whole) return "–";
  const percent = 100 * n / whole;
  if (percent < 99 || n === whole) return part(n, whole);
  return percent > 99.9994 ? ">" + NB + "99.999" + NB + "%" : round(percent.toFixed(3)) + NB + "%";
}

/** ago writes how long before now a time was. */
function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return s + " s ago";
  if (s < 3600) return Math.floor(s / 60) + " min ago";
  return s < 86400 ? Math.floor(s / 3600) + " h ago" : Math.floor(s / 86400) + " d ago";
}

/** span writes how long something has lasted. */
function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const i = Math.max(0, parts.findIndex(([size]) => s >= size));
  return parts.slice(i < 0 ? 3 : i, i + 2).map(([size, unit], j) =>
    Math.floor(j ? (s % parts[i][0]) / size : s / size) + " " + unit).join(" ");
}

/** el makes an element. Text is always text: nothing here is ever parsed as HTML. */
function el(name, attributes, ...children) {
  const svg = ["svg", "g", "path", "line", "text", "rect"].includes(name);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    // Styles go through the object model: the page's policy forbids them as attributes.
    if (key === "style") Object.entries(value).forEach(([k, v]) => node.style.setProperty(k, v));
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}

/** renew gives a box new children and touches only what differs from the old ones: what
    somebody selects, focuses or scrolls stays, though all is drawn again every second. */
function renew(box, ...children) {
  const fresh = children.filter((c) => c !== null && c !== undefined), old = [...box.childNodes];
  fresh.forEach((node, i) => {
    if (typeof node === "string") node = document.createTextNode(node);
    const was = old[i];
    if (!was) box.append(node);
    else if (was.nodeName !== node.nodeName) was.replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) {
      if (was.data !== node.data) was.data = node.data;
    } else {
      for (const a of [...was.attributes]) if (!node.hasAttribute(a.name)) was.removeAttribute(a.name);
      for (const a of node.attributes) {
        if (a.name === "style") was.style.cssText = node.style.cssText;
        else if (was.getAttribute(a.name) !== a.value) was.setAttribute(a.name, a.value);
      }
      renew(was, ...node.childNodes);
    }
  });
  old.slice(fresh.length).forEach((node) => node.remove());
}

/** at finds an element by its id. */
const at = (id) => document.getElementById(id);

/** sum adds up the values of an object, or of some of its keys. */
const sum = (o, keys = Object.keys(o)) => keys.reduce((n, k) => n + (o[k] ?? 0), 0);
