// What layouts/markup.py makes: a tree of HTML components drawn by React alone, without the renderer's wrapper and
// subscription for each element.
(function () {
  "use strict";
  const own = (window.salescope = window.salescope || {});
  const TAG = /^[A-Z][A-Za-z0-9]{0,11}$/, REFUSED = new Set(["Script", "Iframe", "Object", "Embed", "Base", "Meta", "Style"]);
  const HTML = "dash_html_components";
  // Addresses: of this site, of the web, of mail. Others, such as javascript:, could run what is in the data.
  const LEADS = /^(x?link)?:?(href|src|action|formaction|poster|data|ping|background)$/i, PLAIN = /^([/?#.]|https?:|mailto:|data:image\/|$)/i;

  function allowed(name, value) {
    if (name === "children" || /^(dangerously|on|srcdoc$|ref$)/i.test(name)) return false;
    return !LEADS.test(name) || (typeof value === "string" && PLAIN.test(value));
  }

  function attributes(props) {
    return Object.fromEntries(Object.entries(props).filter(([name, value]) => allowed(name, value)));
  }

  function draw(node) {
    if (node === null || node === undefined || typeof node === "boolean") return null;
    if (typeof node !== "object") return String(node);
    const known = node.namespace === HTML && TAG.test(node.type) && !REFUSED.has(node.type);
    if (!known) throw new Error(`Markup cannot hold a ${node.namespace}/${node.type}.`);
    return window.React.createElement(node.type.toLowerCase(), attributes(node.props), ...all(node.props.children));
  }

  function all(tree) {
    return (Array.isArray(tree) ? tree : [tree]).map(draw);
  }

  own.Markup = function Markup({ tree, tag, setProps, ...props }) {
    const outer = tag || "div";
    if (REFUSED.has(outer[0].toUpperCase() + outer.slice(1))) throw new Error(`Markup cannot be a ${outer}.`);
    return window.React.createElement(outer, attributes(props), ...all(tree));
  };
})();
