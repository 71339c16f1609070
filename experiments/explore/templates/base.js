"use strict";
// Everything of the page's scripts stands under this one name.
const Explorer = { tabs: [] };

(() => {
  const KINDS = { f8: Float64Array, f4: Float32Array, i4: Int32Array, u1: Uint8Array };

  // What `packed` in embedding.py wrote, as a typed array.
  Explorer.unpack = ({ kind, data }) => {
    const text = atob(data);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return new KINDS[kind](bytes.buffer);
  };

  // A number with so many digits, without a power of ten where it is readable.
  Explorer.digits = (value, count = 4) => {
    if (!Number.isFinite(value)) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e-4 && size < 1e6) {
      const places = Math.max(0, count - 1 - Math.floor(Math.log10(size)));
      return String(Number(value.toFixed(Math.min(places, 12))));
    }
    return value.toExponential(count - 1);
  };

  // The same for readers, with a true minus sign.
  Explorer.said = (value, count = 4) => Explorer.digits(value, count).replace("-", "−");

  // An element with attributes and children. Text always becomes a text node, never markup.
  Explorer.element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };

  // The Python lines of a template with its values in the places {name}; {{ stands for a brace.
  Explorer.filled = (template, values) =>
    template.replace(/\{\{|\{(\w+)\}/g, (whole, name) => {
      if (whole === "{{") return "{";
      return Object.hasOwn(values, name) ? String(values[name]) : whole;
    });
})();
